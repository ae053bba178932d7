package conformance

// Moto lists where moto's server 5.2.5 differs from what AWS documents.
func Moto() Differences {
	return Differences{}
}
