package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"databrain-rotation/pkg/audit/collect"
	"databrain-rotation/pkg/audit/finding"
	"databrain-rotation/pkg/tokensecret"
)

const (
	// managedTime bounds the reading of all secrets that hold API tokens, and askTime each
	// of its requests.
	managedTime = 2 * time.Minute

	// managedReaders is how many secrets are read at a time, far below the quotas of
	// Secrets Manager.
	managedReaders = 4
)

// managed reads the secrets that hold API tokens. What could not be read of them is a
// note, and a line in the log.
func (r *run) managed(ctx context.Context) finding.Managed {
	if r.APITokenPrefix == "" {
		return finding.Managed{}
	}
	ctx, cancel := context.WithTimeout(ctx, managedTime)
	defer cancel()
	m := finding.Managed{Asked: true}
	var err error
	if m.Secrets, err = r.listManaged(ctx); err == nil {
		m.Complete = true
	} else {
		r.unread(ctx, "the secrets that manage API tokens could not be listed: "+err.Error()+
			". What they say of tokens is not known, and no finding on them is resolved", nil)
	}
	faults := make([]string, len(m.Secrets))
	queue := make(chan int)
	var readers sync.WaitGroup
	for range min(managedReaders, len(m.Secrets)) {
		readers.Go(func() {
			for i := range queue {
				faults[i] = r.readManaged(ctx, &m.Secrets[i])
			}
		})
	}
	for i := range m.Secrets {
		queue <- i
	}
	close(queue)
	readers.Wait()
	r.noteUnread(ctx, m.Secrets, faults)
	return m
}

// secretWeight is what a secret takes in memory to the end of the run, in bytes, with
// a finding on it.
const secretWeight = 1000

// errTooMany: the secrets fill the memory that the run may take.
var errTooMany = errors.New("there are too many secrets for the memory. " + finding.MoreMemory)

// listManaged lists the secrets whose names begin with the prefix, but for the service
// token's own. With an error the list may lack some.
func (r *run) listManaged(ctx context.Context) ([]finding.ManagedSecret, error) {
	pages := secretsmanager.NewListSecretsPaginator(r.Secret.Client, &secretsmanager.ListSecretsInput{
		Filters: []types.Filter{{Key: types.FilterNameStringTypeName, Values: []string{r.APITokenPrefix}}},
	}, func(o *secretsmanager.ListSecretsPaginatorOptions) { o.StopOnDuplicateToken = true })
	var secrets []finding.ManagedSecret
	seen := make(map[string]bool)
	for pages.HasMorePages() {
		page, err := r.managedPage(ctx, pages)
		if err != nil {
			return secrets, fmt.Errorf("ListSecrets failed (%s)", awsCause(err))
		}
		for _, entry := range page.SecretList {
			name := aws.ToString(entry.Name)
			// A filter that means something else than a prefix must not widen what is read.
			if seen[name] || !strings.HasPrefix(name, r.APITokenPrefix) || r.Secret.is(name, aws.ToString(entry.ARN)) {
				continue
			}
			seen[name] = true
			if !r.room.Take(secretWeight) {
				return secrets, errTooMany
			}
			secrets = append(secrets, finding.ManagedSecret{ManagedBy: finding.ManagedBy{
				Secret: name, Rotation: aws.ToBool(entry.RotationEnabled), NextRotation: nextRotation(entry.NextRotationDate),
			}})
		}
	}
	return secrets, nil
}

func (r *run) managedPage(
	ctx context.Context, pages *secretsmanager.ListSecretsPaginator,
) (*secretsmanager.ListSecretsOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return pages.NextPage(ctx)
}

func nextRotation(t *time.Time) time.Time { return aws.ToTime(t).UTC().Truncate(time.Second) }

// readManaged fills in what Secrets Manager says of s, and returns what could not be
// read, in words; "" if nothing is missing.
//
// ListSecrets may be five minutes late, so the secret is described as well
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html).
func (r *run) readManaged(ctx context.Context, s *finding.ManagedSecret) string {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	var faults []string
	secret := Secret{Client: r.Secret.Client, ID: s.Secret}
	posture, err := secret.posture(ctx, r.request.Start)
	if err != nil {
		faults = append(faults, "DescribeSecret failed ("+awsCause(err)+")")
	} else {
		s.Posture, s.Rotation, s.NextRotation = posture, posture.Rotation, posture.NextRotation
		s.Moving = !posture.PendingSince.IsZero()
	}
	if err := secret.readKey(ctx, s); err != nil {
		faults = append(faults, err.Error())
	}
	return strings.Join(faults, ", ")
}

// readKey reads AWSCURRENT into read. The key itself goes no further than its fingerprint.
func (s *Secret) readKey(ctx context.Context, read *finding.ManagedSecret) error {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
		SecretId: &s.ID, VersionStage: aws.String(collect.LabelCurrent),
	})
	if err != nil {
		return fmt.Errorf("GetSecretValue failed (%s)", awsCause(err))
	}
	value, err := tokensecret.ParseAPIToken(out.SecretString, out.SecretBinary)
	if err != nil {
		return fmt.Errorf("AWSCURRENT %w", err)
	}
	read.Read, read.DataApp, read.Token = true, value.DataApp(), value.Name()
	read.Fingerprint = value.Token().Fingerprint()
	return nil
}

// confirm reads again each secret whose key no list has. A rotation may have replaced
// the key since it was read, or may be about to.
func (r *run) confirm(ctx context.Context, m *finding.Managed, e *finding.Evaluation) {
	ctx, cancel := context.WithTimeout(ctx, managedTime)
	defer cancel()
	for i := range m.Secrets {
		s := &m.Secrets[i]
		if !s.Read || s.Fingerprint == "" || s.Moving || e.Listed(s) {
			continue
		}
		again := finding.ManagedSecret{ManagedBy: finding.ManagedBy{Secret: s.Secret}}
		fault := r.readManaged(ctx, &again)
		s.Moving = fault != "" || again.Moving || again.Fingerprint != s.Fingerprint
	}
}

// maxNamed is how many secrets a note names.
const maxNamed = 5

// noteUnread says which secrets could not be read, and why.
func (r *run) noteUnread(ctx context.Context, secrets []finding.ManagedSecret, faults []string) {
	var named []string
	count := 0
	for i, fault := range faults {
		if fault == "" {
			continue
		}
		if count++; count <= maxNamed {
			named = append(named, secrets[i].Secret+": "+fault)
		}
	}
	if count > 0 {
		r.unread(ctx, fmt.Sprintf("%d of %d secrets that manage API tokens could not be read, "+
			"so no finding on them is resolved: %s", count, len(secrets), strings.Join(named, "; ")), named)
	}
}

func (r *run) unread(ctx context.Context, note string, secrets []string) {
	r.note(note)
	r.Log.WarnContext(ctx, "managed API tokens are not known in full", slog.String("note", finding.Plain(note)),
		slog.Int("secrets", len(secrets)))
}
