package pkix

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

func TestParseCertificates(t *testing.T) {
	root, err := os.ReadFile("testdata/GEM.RCA8_TEST-ONLY.pem")
	if err != nil {
		t.Fatal(err)
	}
	sub, err := os.ReadFile("testdata/GEM.SMCB-CA57_TEST-ONLY.pem")
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(sub, []byte("MII"), []byte("M!I"), 1)
	key := []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	for _, tt := range []struct {
		name string
		data []byte
		want string // common names, or "error"
	}{
		{"one DER", realDER(t, "GEM.RCA8_TEST-ONLY"), "GEM.RCA8 TEST-ONLY"},
		{"one PEM", root, "GEM.RCA8 TEST-ONLY"},
		{"chain with text between", bytes.Join([][]byte{sub, root}, []byte("the root:\n")), "GEM.SMCB-CA57 TEST-ONLY, GEM.RCA8 TEST-ONLY"},
		{"nothing", nil, "error"},
		{"text", []byte("hello"), "error"},
		{"DER with a trailing octet", append(realDER(t, "GEM.RCA8_TEST-ONLY"), 0), "error"},
		{"second block damaged", append(bytes.Clone(root), damaged...), "error"},
		{"first block damaged", append(bytes.Clone(damaged), root...), "error"},
		{"second block cut off", append(bytes.Clone(root), sub[:len(sub)/2]...), "error"},
		{"a key beside it", append(bytes.Clone(root), key...), "error"},
		{"a block that is no certificate", []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), "error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := ParseCertificates(tt.data)
			var names []string
			for _, c := range list {
				name, _ := c.Subject.Get(OIDCommonName)
				names = append(names, name)
			}
			got := strings.Join(names, ", ")
			if err != nil {
				got = "error"
			}
			if got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
		})
	}
	if got := realCertificate(t, "GEM.RCA8_TEST-ONLY").PEM(); !bytes.Equal(got, root) {
		t.Errorf("PEM: got %s, want %s", got, root)
	}
}
