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
	rotation rotation.Config
}

// parseConfig reads all settings and returns every fault in one error.
func parseConfig(getenv func(string) string) (config, error) {
	r := &settings.Reader{Getenv: getenv}
	c := config{instance: r.Instance()}
	c.rotation = rotation.Config{
		AdminSecretID: r.SecretID("DATABRAIN_ADMIN_SECRET_ID"),
		Strategy: rotation.Strategy(r.Choice("ROTATION_STRATEGY",
			string(rotation.Replace), string(rotation.Grace))),
		GracePeriod: r.Seconds("ROTATION_GRACE_PERIOD", 24*time.Hour),
		Contract: rotation.Contract(r.Choice("ROTATION_GRACE_CONTRACT",
			string(rotation.ContractServiceToken), string(rotation.ContractAdminJWT))),
		Takeover: rotation.Takeover(r.Choice("ROTATION_TAKEOVER",
			string(rotation.TakeoverEmpty), string(rotation.TakeoverNever), string(rotation.TakeoverInvalid))),
	}
	if err := r.Err(); err != nil {
		return config{}, err
	}
	c.rotation.Instance = strings.TrimRight(c.instance.String(), "/")
	return c, nil
}
