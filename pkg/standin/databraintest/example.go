package databraintest

import (
	"fmt"
	"time"
)

// The credentials of the reference's examples, but for the service token: the examples
// show one UUID as the service token and as an API token, which no instance has.
const (
	ExampleEmail        = "admin@company.com"
	ExamplePassword     = "SecureP@ss1"
	ExampleServiceToken = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
)

// ExampleDataApps are the data apps of {REF}/list-data-apps with the API tokens of
// {REF}/list-api-tokens.
func ExampleDataApps() []DataApp {
	const customers = "Customer Portal Analytics"
	return []DataApp{{
		Name: customers, CreatedAt: january(15, 10, 30), UpdatedAt: january(20, 14, 45),
		Embeds: []Embed{
			{"Sales Dashboard Embed", "sales-dashboard-123", january(15, 11, 0), january(18, 9, 30)},
			{"Revenue Metrics Embed", "revenue-metrics-456", january(16, 14, 15), january(19, 16, 0)},
			{"Customer Overview", "customer-overview-789", january(17, 8, 45), january(20, 11, 20)},
		},
		Tokens: []APIToken{
			{
				Key:         "550e8400-e29b-41d4-a716-446655440000",
				Name:        "Production API Key",
				Description: describe(customers),
				CreatedAt:   january(15, 10, 30),
			},
			{
				Key:         "7c9e6679-7425-40de-944b-e07fc1f90ae7",
				Name:        "Development Token",
				Description: describe(customers),
				CreatedAt:   january(10, 14, 15),
			},
			{
				Key:         "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d",
				Name:        "Staging Environment",
				Description: describe(customers),
				CreatedAt:   january(8, 9, 0),
			},
		},
	}, {
		Name: "Partner Dashboard", CreatedAt: january(10, 9, 0), UpdatedAt: january(15, 12, 30),
		Embeds: []Embed{{"Partner Analytics", "partner-analytics-001", january(10, 10, 0), january(15, 12, 30)}},
	}}
}

func january(day, hour, minute int) time.Time {
	return time.Date(2024, time.January, day, hour, minute, 0, 0, time.UTC)
}

// withExample fills what c leaves open with the example.
func withExample(c Config) Config {
	if c.Admin == (Account{}) {
		c.Admin = Account{Email: ExampleEmail, Password: ExamplePassword}
	}
	if c.ServiceToken == "" {
		c.ServiceToken = ExampleServiceToken
	}
	if c.DataApps == nil {
		c.DataApps = ExampleDataApps()
	}
	return c
}

func manyName(i int) string { return fmt.Sprintf("Data App %05d", i) }
