package main

import (
	"crypto"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/ceremony"
)

// record is the ceremony record: what a witness signs and an auditor reads later (ETSI EN 319 411-1, GEN-6.5.1-11 to -14; GS-A_4292).
// Markdown; fingerprints are SHA-256 in hex, of the DER SubjectPublicKeyInfo for keys and of the whole certificate for certificates.
func (c *testCeremony) record() string {
	info := c.info
	d := &ceremony.Document{
		Title: "Ceremony record: test hierarchy",
		Lead:  []string{"Keys and certificates for tests. **Nothing here may be used in production.**"},
		Sections: []ceremony.Section{
			{Heading: "Ceremony", Tables: []ceremony.Table{{Head: []string{"what", "value"}, Rows: [][]string{
				{"begun", c.start.Format(time.RFC3339)},
				{"program", "siegel-ceremony " + build.Version()},
				{"module", info.Module + " (" + info.Library + ")"},
				{"token", fmt.Sprintf("%s, serial %s, %s %s, firmware %s", info.Label, info.Serial, info.Manufacturer, info.Model, info.Firmware)},
				{"TSP-ID", c.cmd.TSPID},
			}}}},
			{Heading: "Keys", Text: []string{"Attributes are as read back from the token."}, Tables: []ceremony.Table{c.recordKeys()}},
			{Heading: "Certificates", Tables: []ceremony.Table{c.recordCertificates()}},
			{Heading: "Operators", Text: []string{"Their TLS keys were made by this program and lie in the data folder, as is fit for tests only."},
				Tables: []ceremony.Table{c.recordOperators()}},
			{Heading: "Witnesses", Tables: []ceremony.Table{{Head: []string{"role", "name", "signature", "date"}, Ink: true,
				Rows: [][]string{{"CA operator", "", "", ""}, {"CA operator", "", "", ""}, {"security officer", "", "", ""}}}}},
		},
	}
	return d.Markdown()
}

func (c *testCeremony) recordKeys() ceremony.Table {
	t := ceremony.Table{Head: []string{"name", "type", "CKA_ID", "attributes", "fingerprint"}}
	for _, k := range c.keys {
		t.Rows = append(t.Rows, []string{k.name, k.typ.String(), hex.EncodeToString(k.key.ID()), attributes(k.key.Attributes()), fingerprint(k.key.Public())})
	}
	return t
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

func (c *testCeremony) recordCertificates() ceremony.Table {
	t := ceremony.Table{Head: []string{"name", "kind", "subject", "serial number", "validity", "issued by", "fingerprint"}}
	for i := range c.issuers {
		iss := &c.issuers[i]
		facts, err := ceremony.DescribeCertificate(&iss.Issuer)
		if err != nil { // the record cannot be made again: it says so in place of the certificate
			t.Rows = append(t.Rows, []string{iss.Name, string(iss.Kind), err.Error(), "", "", iss.IssuedBy, ""})
			continue
		}
		validity := "no dates"
		if facts.From != "" {
			validity = facts.From + " to " + facts.Until
		}
		t.Rows = append(t.Rows, []string{iss.Name, string(iss.Kind), facts.Subject, facts.Serial, validity, iss.IssuedBy, facts.SHA256.String()})
	}
	return t
}

func (c *testCeremony) recordOperators() ceremony.Table {
	t := ceremony.Table{Head: []string{"name", "roles", "certificate fingerprint"}}
	for _, o := range c.operators {
		t.Rows = append(t.Rows, []string{o.name, strings.Join(o.roles, ", "), o.fingerprint})
	}
	return t
}

// fingerprint is the SHA-256 of a key's SubjectPublicKeyInfo in hex, or the reason why it has none.
func fingerprint(pub crypto.PublicKey) string {
	sum, err := ceremony.Fingerprint(pub)
	if err != nil {
		return err.Error()
	}
	return sum.String()
}
