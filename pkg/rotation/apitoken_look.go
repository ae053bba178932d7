package rotation

import (
	"context"
	"errors"

	"databrain-rotation/pkg/databrain"
	"databrain-rotation/pkg/tokensecret"
)

// look learns what PlanAPIToken needs, and refuses a key that is not the data app's.
func (s *apiToken) look(ctx context.Context, current tokensecret.Value) (APITokenState, error) {
	key := current.Token()
	state := APITokenState{Name: current.Name(), Own: key.Fingerprint(), Key: Absent}
	var err error
	if state.List, err = s.list(ctx, current.DataApp()); err != nil {
		return state, s.noList(ctx, current, err)
	}
	if key.Empty() {
		return state, nil
	}
	s.keys[state.Own] = key
	if state.Key, err = s.probe(ctx, key); state.Key == NoAnswer {
		return state, s.unavailable("probe of the key of AWSCURRENT", err)
	}
	if state.entry(state.List) == nil {
		if err := s.own(ctx, current, state.Key); err != nil {
			return state, err
		}
	}
	state.Previous, err = s.previousKey(ctx)
	return state, err
}

// previousKey returns the fingerprint of AWSPREVIOUS's key, "" without one. A value
// that is none of an API token's holds none.
func (s *apiToken) previousKey(ctx context.Context) (string, error) {
	previous, err := s.previous(ctx)
	if e, ok := err.(*Error); ok && e.Name == MalformedSecret {
		return "", nil
	}
	if err != nil || previous.Token().Empty() {
		return "", err
	}
	fingerprint := previous.Token().Fingerprint()
	s.keys[fingerprint] = previous.Token()
	return fingerprint, nil
}

// own refuses a key that the data app does not list and that is something else than a
// key in its grace period: a service token, which an instance may accept in the place
// of a key, or the key of another app.
func (s *apiToken) own(ctx context.Context, current tokensecret.Value, standing Standing) error {
	key := current.Token()
	service := key.Equal(s.service)
	if !service {
		err := s.databrain.Probe(ctx, key)
		if err != nil && !databrain.Rejected(err) {
			return s.unavailable("see whether the key is a service token", err)
		}
		service = err == nil
	}
	if service {
		return s.fail(ServiceTokenAsKey, nil, `the member "key" of AWSCURRENT holds a service token, which opens the whole `+
			"organisation, and not the key of a data app's API token",
			`Store the value again with "key":"", and the next rotation imports the key of the name. Rotate the service `+
				"token, because readers of this secret have seen it")
	}
	if standing != Accepted {
		return nil
	}
	app, err := s.elsewhere(ctx, key.Fingerprint(), current.DataApp())
	if errors.Is(err, errUnsearched) { // most likely the key is in its grace period, before whose end it must be replaced
		s.log.WarnContext(ctx, "the data app does not list the key of AWSCURRENT; whether another does is not known, "+
			"because the instance has too many")
		return nil
	}
	if err != nil {
		return s.unlisted(current.DataApp(), err)
	}
	if app != "" {
		return s.fail(APITokenInOtherApp, nil, "the key of AWSCURRENT belongs to the data app "+quoted(app)+
			", and the secret names the data app "+quoted(current.DataApp()),
			`Correct "dataApp" in the secret, or store the key of the app that it names`)
	}
	return nil
}

// noList says why the data app's tokens could not be listed. An app that was renamed
// is found by its key.
func (s *apiToken) noList(ctx context.Context, current tokensecret.Value, cause error) error {
	if databrain.ClassOf(cause) != databrain.ClassNotFound {
		return s.unlisted(current.DataApp(), cause)
	}
	found := "Databrain has no data app called " + quoted(current.DataApp())
	next := `Correct "dataApp" in the secret, which has to be the exact name. If the app was deleted, so were its ` +
		"tokens: cancel the rotation of this secret and delete it, or let it name another app"
	if !current.Token().Empty() {
		app, err := s.elsewhere(ctx, current.Token().Fingerprint(), current.DataApp())
		switch {
		case err != nil:
			found += "; whether it was renamed could not be found out"
		case app != "":
			found += "; the data app " + quoted(app) + " has the secret's key: it was renamed"
			next = `Store the value again with the new name as "dataApp" and every other member as it is`
		default:
			found += ", and no other app lists the secret's key"
		}
	}
	return s.fail(DataAppNotFound, cause, found, next)
}
