package secretsmanagertest

import (
	"context"
	"sync"
	"time"

	"databrain-rotation/pkg/standin"
)

// Config of a Server. The zero value works.
type Config struct {
	Now     func() time.Time // default time.Now; called from several goroutines
	Region  string           // default us-east-1
	Account string           // default 123456789012
	// Suffix gives the six characters after the hyphen of a secret's ARN; default
	// random, as AWS has it.
	Suffix func(name string) string

	// Attempts bounds how often a rotation begins at createSecret; default 5. AWS
	// says "multiple times" and gives no number (API reference, DescribeSecret,
	// NextRotationDate).
	Attempts int
	// RotationToken says whether rotation events carry one, and whether
	// PutSecretValue insists on it.
	RotationToken RotationTokenMode
	// PageSize bounds a page of a list below what was asked for, as the service may;
	// default none.
	PageSize int
}

// RotationTokenMode is the handling of RotationToken. AWS requires the token of
// functions that assume a role (API reference, PutSecretValue).
type RotationTokenMode int

// The modes. A wrong token is always refused for a version whose rotation gave one.
const (
	RotationTokenOptional RotationTokenMode = iota // sent; a put without it is accepted
	RotationTokenRequired                          // sent; a put to the rotation's version must give it
	RotationTokenAbsent                            // events carry none, as before AWS introduced it
)

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	*standin.Wire
	cfg        Config
	operations map[string]operation
	ctx        context.Context // ends with Close
	cancel     context.CancelFunc
	rotations  sync.WaitGroup // rotations driven in the background

	mu        sync.Mutex
	secrets   []*secret
	functions map[string]Rotator
	lag       ReadLag
}

// New returns a Server without secrets.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Region == "" {
		cfg.Region = "us-east-1"
	}
	if cfg.Account == "" {
		cfg.Account = "123456789012"
	}
	if cfg.Attempts <= 0 {
		cfg.Attempts = 5
	}
	s := &Server{cfg: cfg, operations: operations(), functions: make(map[string]Rotator)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.Wire = standin.New(standin.Service{
		Name: "Secrets Manager", Route: s.route, Fail: failCall, Now: cfg.Now,
	})
	return s
}

// Close ends the listener, hanging calls and background rotations, and waits for
// the latter. The Server cannot be used afterwards.
func (s *Server) Close() error {
	s.mu.Lock()
	s.cancel() // under the lock: no rotation begins from here on
	s.mu.Unlock()
	err := s.Wire.Close()
	s.rotations.Wait()
	return err
}
