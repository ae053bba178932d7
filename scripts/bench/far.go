package main

import (
	"context"
	"time"
)

// burst is how many requests the audit may send at once (AUDIT_REQUESTS_PER_MINUTE).
const burst = 10

// farAudit is an audit over a network, at a limit of its rate.
type farAudit struct {
	audited
	aws int // requests to AWS
}

// possible is the time in which the rate lets so many requests be sent.
func (a farAudit) possible() time.Duration {
	return time.Duration(a.requests-burst) * time.Minute / time.Duration(a.perMinute)
}

func (a farAudit) ratio() float64 { return float64(a.wall) / float64(a.possible()) }

// measureFar audits over a network at the default rate and at ten times that.
func measureFar(ctx context.Context, built builds, far distances) ([]farAudit, error) {
	var all []farAudit
	for _, e := range []estate{{apps: 59, perMinute: 200}, {apps: 599, perMinute: 2000}} {
		e.tokens, e.stale, e.concurrency = 10, 3, 4
		note("an audit over the network, %d requests a minute", e.perMinute)
		a, err := measureFarAudit(ctx, built, e, far)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

func measureFarAudit(ctx context.Context, built builds, e estate, far distances) (farAudit, error) {
	lab, err := e.build()
	if err != nil {
		return farAudit{}, err
	}
	defer lab.Close()
	n, err := reach(lab, far, built.dir)
	if err != nil {
		return farAudit{}, err
	}
	defer n.close()
	env := lab.Audit()
	n.lead(env)
	a, err := auditOnce(ctx, built, e, lab, env)
	return farAudit{audited: a, aws: len(n.taken()) - a.requests}, err
}
