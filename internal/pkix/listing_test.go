package pkix

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/der"
)

var update = flag.Bool("update", false, "write the listings in testdata anew")

func listing(t *testing.T, raw []byte) string {
	t.Helper()
	var text strings.Builder
	if err := der.Dump(&text, raw, OIDName); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// What this package encodes, drawn: one RSA and one ECC certificate, octet by octet, to be reviewed by eye.
func TestListing(t *testing.T) {
	for _, name := range []string{"80276001011699900861-C_SMCB_AUT_R2048_X509", "psychotherapist-AUT-E256"} {
		c := realCertificate(t, name)
		tbs, err := again(c).Encode()
		if err != nil {
			t.Fatal(err)
		}
		whole, err := Assemble(tbs, c.Scheme, c.Signature)
		if err != nil {
			t.Fatal(err)
		}
		got := listing(t, whole.Raw)
		file := filepath.Join("testdata", name+".txt")
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s differs from what is encoded now:\n%s", file, got)
		}
	}
}

// listingLine is a line of a listing: offset, hex of header and content (or of content alone), and perhaps words.
var listingLine = regexp.MustCompile(`^ *(?:\d+ )? *((?:[0-9a-f]{2})+(?: (?:[0-9a-f]{2})+)?)(?:  .*)?$`)

// Joined together, the hex of a listing is the certificate: nothing is left out and nothing invented.
func TestListingHoldsEveryOctet(t *testing.T) {
	for _, name := range realNames(t) {
		raw := realDER(t, name)
		var joined []byte
		for _, line := range strings.Split(strings.TrimSuffix(listing(t, raw), "\n"), "\n") {
			m := listingLine.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: line %q is not of the form", name, line)
			}
			joined = append(joined, unhex(t, m[1])...)
		}
		if !bytes.Equal(joined, raw) {
			t.Errorf("%s: listing holds %s, want %x", name, hex.EncodeToString(joined), raw)
		}
	}
}
