package main

import (
	"net/url"
	"strings"
	"time"

	"databrain-rotation/pkg/rotation"
	"databrain-rotation/pkg/settings"
)

// config is the function's environment.
type config struct {
	instance *url.URL
	rotation rotation.APITokenConfig
}

// parseConfig reads all settings and returns every fault in one error.
func parseConfig(getenv func(string) string) (config, error) {
	r := &settings.Reader{Getenv: getenv}
	c := config{instance: r.Instance()}
	c.rotation = rotation.APITokenConfig{
		ServiceTokenSecretID: r.SecretID("DATABRAIN_SERVICE_TOKEN_SECRET_ID"),
		GracePeriod:          r.SecondsOrNone("API_TOKEN_GRACE_PERIOD", 24*time.Hour),
		Contract: rotation.APITokenContract(r.Choice("API_TOKEN_ROTATE_CONTRACT",
			string(rotation.ContractByKey), string(rotation.ContractByService))),
	}
	if err := r.Err(); err != nil {
		return config{}, err
	}
	c.rotation.Instance = strings.TrimRight(c.instance.String(), "/")
	return c, nil
}
