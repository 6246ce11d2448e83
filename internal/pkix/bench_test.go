package pkix

import "testing"

// A card has six X.509 certificates: encoding and parsing must not show beside the signatures.

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"80276001011699900861-C_SMCB_AUT_R2048_X509", "80276001011699900861-C_SMCB_AUT_E256_X509"} {
		b.Run(name, func(b *testing.B) {
			c := again(realCertificate(b, name))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAssemble(b *testing.B) {
	c := realCertificate(b, "80276001011699900861-C_SMCB_AUT_E256_X509")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Assemble(c.RawTBS, c.Scheme, c.Signature); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"80276001011699900861-C_SMCB_AUT_R2048_X509", "80276001011699900861-C_SMCB_AUT_E256_X509"} {
		b.Run(name, func(b *testing.B) {
			raw := realDER(b, name)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseCertificate(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
