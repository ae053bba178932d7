package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// port is a loopback port of one stand-in. The defaults of the first four are those
// of events/local-env.json.
type port struct{ variable, usual string }

var (
	databrainPort = port{"DATABRAIN_PORT", "8090"}
	secretsPort   = port{"SECRETS_MANAGER_PORT", "8091"}
	eventsPort    = port{"EVENTBRIDGE_PORT", "8092"}
	objectsPort   = port{"S3_PORT", "8093"}
	lambdaPort    = port{"LAMBDA_PORT", "8094"}

	ports = []port{databrainPort, secretsPort, eventsPort, objectsPort, lambdaPort}
)

// number is the port to use, from the variable if it is set.
func (p port) number(getenv func(string) string) string {
	if chosen := getenv(p.variable); chosen != "" {
		return chosen
	}
	return p.usual
}

func (p port) address(getenv func(string) string) string {
	return net.JoinHostPort("127.0.0.1", p.number(getenv))
}

// checkPorts returns an error that names every port that is no number or is taken,
// with the variable that moves it.
func checkPorts(getenv func(string) string) error {
	var faults []error
	for _, p := range ports {
		number := p.number(getenv)
		if n, err := strconv.ParseUint(number, 10, 16); err != nil || n == 0 {
			faults = append(faults, fmt.Errorf("%s=%s is not a port", p.variable, number))
			continue
		}
		listener, err := net.Listen("tcp", p.address(getenv))
		if errors.Is(err, syscall.EADDRINUSE) {
			faults = append(faults, fmt.Errorf("port %s is in use, perhaps by another make serve; "+
				"choose a free one: make serve %s=…", number, p.variable))
			continue
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", p.variable, err))
			continue
		}
		listener.Close()
	}
	return errors.Join(faults...)
}
