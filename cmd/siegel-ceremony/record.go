package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// record is the ceremony record: what a witness signs and an auditor reads later (ETSI EN 319 411-1, GEN-6.5.1-11 to -14; GS-A_4292).
// Markdown; fingerprints are SHA-256 in hex, of the DER SubjectPublicKeyInfo for keys and of the whole certificate for certificates.
func (c *testCeremony) record() string {
	var b strings.Builder
	info := c.info
	fmt.Fprintf(&b, "# Ceremony record: test hierarchy\n\n")
	fmt.Fprintf(&b, "Keys and certificates for tests. **Nothing here may be used in production.**\n\n")
	table(&b, []string{"what", "value"}, [][]string{
		{"begun", c.start.Format(time.RFC3339)},
		{"program", "siegel-ceremony " + build.Version()},
		{"module", info.Module + " (" + info.Library + ")"},
		{"token", fmt.Sprintf("%s, serial %s, %s %s, firmware %s", info.Label, info.Serial, info.Manufacturer, info.Model, info.Firmware)},
		{"TSP-ID", c.cmd.TSPID},
	})
	c.recordKeys(&b)
	c.recordCertificates(&b)
	c.recordOperators(&b)
	fmt.Fprintf(&b, "## Witnesses\n\n")
	table(&b, []string{"role", "name", "signature", "date"}, [][]string{{"CA operator", "", "", ""}, {"CA operator", "", "", ""}, {"security officer", "", "", ""}})
	return b.String()
}

func (c *testCeremony) recordKeys(b *strings.Builder) {
	fmt.Fprintf(b, "## Keys\n\nAttributes are as read back from the token.\n\n")
	var rows [][]string
	for _, k := range c.keys {
		rows = append(rows, []string{k.name, k.typ.String(), hex.EncodeToString(k.key.ID()), attributes(k.key.Attributes()), fingerprint(k.key.Public())})
	}
	table(b, []string{"name", "type", "CKA_ID", "attributes", "fingerprint"}, rows)
}

func attributes(a hsm.Attributes) string {
	var on []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"sensitive", a.Sensitive}, {"always sensitive", a.AlwaysSensitive}, {"extractable", a.Extractable},
		{"never extractable", a.NeverExtractable}, {"made in the token", a.Local}, {"sign", a.Sign},
		{"decrypt", a.Decrypt}, {"unwrap", a.Unwrap}, {"derive", a.Derive},
	} {
		if f.set {
			on = append(on, f.name)
		}
	}
	return strings.Join(on, ", ")
}

func (c *testCeremony) recordCertificates(b *strings.Builder) {
	fmt.Fprintf(b, "## Certificates\n\n")
	var rows [][]string
	for i := range c.issuers {
		iss := &c.issuers[i]
		if iss.X509 != nil {
			cert := iss.X509
			rows = append(rows, []string{iss.Name, string(iss.Kind), cert.Subject.String(), cert.Serial.String(),
				cert.NotBefore.Format(time.DateOnly) + " to " + cert.NotAfter.Format(time.DateOnly), iss.IssuedBy, hexSHA256(cert.Raw)})
			continue
		}
		if iss.G1 != nil {
			rows = append(rows, []string{iss.Name, string(iss.Kind), "CHR " + iss.G1.CHR.String(), "", "no dates", iss.IssuedBy, hexSHA256(iss.Raw())})
			continue
		}
		cert := iss.CVC
		rows = append(rows, []string{iss.Name, string(iss.Kind), "CHR " + cert.CHR.String() + ", flags " + cert.Flags.String(), "",
			cert.CED.String() + " to " + cert.CXD.String(), iss.IssuedBy, hexSHA256(cert.Raw)})
	}
	table(b, []string{"name", "kind", "subject", "serial number", "validity", "issued by", "fingerprint"}, rows)
}

func (c *testCeremony) recordOperators(b *strings.Builder) {
	fmt.Fprintf(b, "## Operators\n\nTheir TLS keys were made by this program and lie in the data folder, as is fit for tests only.\n\n")
	var rows [][]string
	for _, o := range c.operators {
		rows = append(rows, []string{o.name, strings.Join(o.roles, ", "), o.fingerprint})
	}
	table(b, []string{"name", "roles", "certificate fingerprint"}, rows)
}

// table writes a Markdown table.
func table(b *strings.Builder, head []string, rows [][]string) {
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	line(strings.Split(strings.Repeat("---,", len(head)-1)+"---", ","))
	for _, r := range rows {
		line(r)
	}
	b.WriteString("\n")
}

// fingerprint is the SHA-256 of a key's SubjectPublicKeyInfo in hex, or the reason why it has none.
func fingerprint(pub crypto.PublicKey) string {
	var spki []byte
	var err error
	if k, ok := pub.(ed25519.PublicKey); ok {
		spki, err = x509.MarshalPKIXPublicKey(k)
	} else {
		spki, err = pkix.MarshalPublicKey(pub)
	}
	if err != nil {
		return err.Error()
	}
	return hexSHA256(spki)
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
