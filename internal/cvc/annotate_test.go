package cvc

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/annotated anew")

// The listings in testdata/annotated are for people to read: one of each kind, both generations, and two that are wrong.
func TestAnnotate(t *testing.T) {
	v := loadVectors(t)
	for _, name := range []string{
		"root-DEGXX-8-7-02-22",
		"subca-DEGXX-1-3-02-23",
		"ee-SMC-B-80276883110000152725-0006-role",
		"ee-SMC-B-80276883110000152725-0009-device",
		"link-DEGXX-8-9-02-25-signs-8-8-02-24",
		"syn-ee-p256-signed-by-p512",
		"g1-ca-4445474558100115-in-80276883110000205690",
		"g1-ee-HBA-80276883110000205690",
		"neg-ced-after-cxd",
		"neg-ee-with-ca-oid",
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := Annotate(&got, v.named(t, name).Hex); (err != nil) != strings.HasPrefix(name, "neg-") {
				t.Errorf("Annotate: %v", err)
			}
			golden := filepath.Join("testdata", "annotated", name+".txt")
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%s\n got:\n%s\nwant:\n%s", golden, &got, want)
			}
		})
	}
}

func TestAnnotateWhatIsNoCertificate(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", []string{"invalid:"}},
		{"text", "-----BEGIN", []string{"no data object:", "invalid:"}},
		{"a public key file", "\x7F\x49\x05\x06\x01\x2A\x86\x00",
			[]string{"public key", "! object identifier", "! on no known curve", "invalid:"}},
		{"a flag list of no hierarchy", "\x53\x07\x00\x00\x00\x00\x00\x00\x04", []string{"role: card", "bit 53: unknown"}},
		{"a short flag list", "\x53\x01\x04", []string{"! not 7 octets"}},
		{"a short rest of generation 1", "\x5F\x38\x01\x04", []string{"! too short"}},
		{"a rest that is none", "\x5F\x38\x24" + strings.Repeat("\x00", 36), []string{"! not a well-formed", "behind the modulus"}},
		{"an object of another kind", "\x04\x01\x00", []string{"unknown object, 1 octet\n"}},
		{"objects without end", strings.Repeat("\x7F\x21\x7F", 50), []string{"no data object:", "invalid:"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := Annotate(&got, []byte(test.in)); !errors.Is(err, ErrSyntax) {
				t.Errorf("got %v, want %v", err, ErrSyntax)
			}
			for _, want := range test.want {
				if !strings.Contains(got.String(), want) {
					t.Errorf("got %q, want something with %q", &got, want)
				}
			}
		})
	}
}

// full is a writer that has no room.
type full struct{}

var errFull = errors.New("no room")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestAnnotateReportsWriteErrors(t *testing.T) {
	raw := loadVectors(t).named(t, "syn-root-p256").Hex
	if err := Annotate(full{}, raw); !errors.Is(err, errFull) {
		t.Errorf("got %v, want %v", err, errFull)
	}
}
