package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"databrain-rotation/pkg/standin/databraintest"
	"databrain-rotation/scripts/check/render"
)

// chatIsNotFlooded audits an instance with 14 critical tokens, whose names would call
// everybody in a channel. The three worst are a notification each, and one counts the rest.
// A rotation that fails is a notification too.
func chatIsNotFlooded(ctx context.Context, s *stack) error {
	if err := errors.Join(s.openMail(ctx), s.firstRotation(ctx)); err != nil {
		return err
	}
	app := databraintest.DataApp{Name: `<!channel> @here "a\b"`}
	for i := range 14 {
		app.Tokens = append(app.Tokens, databraintest.APIToken{
			Key: fmt.Sprintf("00000000-0000-4000-8000-%012d", i), Name: fmt.Sprint("token ", i),
			CreatedAt: time.Now().AddDate(0, 0, -400-i),
		})
	}
	s.databrain.SetDataApps([]databraintest.DataApp{app})
	for run, want := range []int{4, 0} {
		got, err := s.audit(ctx, "AuditNowCommand")
		if err != nil || got.Status != "complete" {
			return fmt.Errorf("the audit: %+v (%w)", got, err)
		}
		messages, err := s.mail.notifications(ctx, want)
		if err != nil {
			return fmt.Errorf("run %d: %w", run, err)
		}
		if want > 0 {
			if err := threeAndTheRest(messages, got.Report); err != nil {
				return err
			}
		}
	}
	if err := s.putFailedRotation(ctx, s.outputs["TokenSecretArn"]); err != nil {
		return err
	}
	messages, err := s.mail.notifications(ctx, 1)
	if err == nil && !strings.Contains(messages[0].Texts(), "RotationFailed") {
		err = fmt.Errorf("%s", messages[0].Texts())
	}
	return err
}

// threeAndTheRest wants the messages of one run: three threads of a finding each, and
// the count of eleven more with the way to the report.
func threeAndTheRest(messages []render.Notification, report string) error {
	threads, rests := map[string]bool{}, 0
	for _, m := range messages {
		text := m.Texts()
		switch {
		case strings.Contains(text, "11 more findings, 11 of them critical") && strings.Contains(text, report):
			rests++
		case strings.Contains(text, "‹!channel› ＠here") && !strings.ContainsAny(text, "<>@"):
			threads[m.Metadata.ThreadID] = true
		default:
			return fmt.Errorf("a message that is neither of a finding nor of the rest: %s", text)
		}
	}
	if len(threads) != 3 || rests != 1 || report == "" {
		return fmt.Errorf("%d findings, %d counts; the report is %q", len(threads), rests, report)
	}
	return nil
}

// notifications returns the new messages, which have to be n custom notifications.
func (m *mailbox) notifications(ctx context.Context, n int) ([]render.Notification, error) {
	got, err := m.read(ctx, n)
	if err != nil {
		return nil, err
	}
	if len(got) != n {
		return nil, fmt.Errorf("%d messages, want %d:\n%s", len(got), n, strings.Join(got, "\n--\n"))
	}
	var all []render.Notification
	for _, message := range got {
		notification, err := render.ParseNotification(message)
		if err != nil {
			return nil, err
		}
		all = append(all, notification)
	}
	return all, nil
}
