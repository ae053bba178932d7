package main

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"

	"databrain-rotation/pkg/standin/labtest"
)

// serveContainers serves the stand-ins, which by themselves listen on loopback
// alone, at the same ports of a private address, and makes the lab's URLs lead
// there. The stop function is never nil.
func serveContainers(lab *labtest.Lab, address string, getenv func(string) string) (stop func(), err error) {
	var servers []*http.Server
	stop = func() {
		for _, server := range servers {
			server.Close()
		}
	}
	if ip, err := netip.ParseAddr(address); err != nil || !ip.IsPrivate() {
		return stop, fmt.Errorf(
			"-bridge %s is not a private IP address; docker network inspect bridge shows the Gateway",
			address,
		)
	}
	for _, s := range []struct {
		url     *string
		port    port
		handler http.Handler
	}{
		{&lab.DatabrainURL, databrainPort, lab.Databrain},
		{&lab.SecretsManagerURL, secretsPort, lab.Secrets},
		{&lab.EventBridgeURL, eventsPort, lab.Events},
		{&lab.S3URL, objectsPort, lab.Objects},
	} {
		l, err := net.Listen("tcp", net.JoinHostPort(address, s.port.number(getenv)))
		if err != nil {
			return stop, fmt.Errorf("listen for containers: %w", err)
		}
		server := &http.Server{Handler: s.handler}
		servers = append(servers, server)
		go server.Serve(l) // ends with http.ErrServerClosed
		*s.url = "http://" + l.Addr().String()
	}
	return stop, nil
}
