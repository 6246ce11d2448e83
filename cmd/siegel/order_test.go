package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/build"
)

// TestBadOrders never reaches a server: there is none.
func TestBadOrders(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown field", "{\n  \"order_id\": \"a\",\n  \"colour\": 1\n}", `-: not an order: (line 3:3): unknown field "colour"`},
		{"unknown field of a key", `{"keys": [{"slot": "S", "pem": ""}]}`, `(line 1:25): unknown field "pem"`},
		{"wrong type", `{"iccsn": 80276001011699900861}`, "(line 1:11): invalid value for string field iccsn"},
		{"field twice", `{"iccsn": "1", "iccsn": "2"}`, `(line 1:16): duplicate field "iccsn"`},
		{"two kinds of key", `{"keys": [{"spki": "AA==", "pkcs10": "AA=="}]}`, "oneof siegel.v1.SlotKey.key is already set"},
		{"not base64", `{"keys": [{"spki": "!"}]}`, "invalid value for bytes field spki"},
		{"broken", `{"iccsn": `, "not an order: "},
		{"two orders", `{} {}`, "not an order: "},
		{"empty", ``, "not an order: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			siegel(tt.text, "plan", "-").want(t, exitInvalid, tt.want)
		})
	}
}

func TestOrderThatCannotBeRead(t *testing.T) {
	siegel("", "plan", filepath.Join(t.TempDir(), "none.json")).want(t, exitUsage, "no such file")
	large := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(large, make([]byte, maxOrder+1), 0o600); err != nil {
		t.Fatal(err)
	}
	siegel("", "plan", large).want(t, exitUsage, "is larger than")
}

// TestSampleOrders reads the orders that come with the project.
func TestSampleOrders(t *testing.T) {
	files, err := filepath.Glob("../../testdata/orders/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sample orders: %v", err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseOrder(text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUsage(t *testing.T) {
	siegel("").want(t, exitUsage, "see siegel --help")
	siegel("", "issue").want(t, exitUsage, "see siegel --help")
	for _, command := range []string{"issue", "inspect"} {
		siegel("{}", command, "-", "a", "-").want(t, exitUsage, "\"-\" stands twice, and standard input can be read once only")
	}
	siegel("", "paint").want(t, exitUsage, "see siegel --help")
	siegel("", "issue", "--parallel", "0", "-").want(t, exitUsage, "--parallel must be at least 1")
	siegel("", "--data", t.TempDir(), "cards").want(t, exitUsage, "load the TLS certificate and key of the operator", "line-1.pem")
	siegel("", "--help").want(t, exitOK, "Exit codes:")
	for _, arg := range []string{"version", "--version"} {
		if r := siegel("", arg); r.code != exitOK || r.out != "siegel "+build.Version()+"\n" {
			t.Errorf("siegel %s = %d, %q", arg, r.code, r.out)
		}
	}
	siegel("", "profiles").want(t, exitOK, "card type smcb-g2.1", "C.HCI.AUT.E256", "SECTOR", "PROFILE")
}

// TestHelpOfOfflineCommands leaves out what they do not use.
func TestHelpOfOfflineCommands(t *testing.T) {
	for command, online := range map[string]bool{"issue": true, "cards": true, "inspect": false, "verify": false, "profiles": false} {
		r := siegel("", command, "--help")
		r.want(t, exitOK, "--json")
		if got := strings.Contains(r.out, "--server") && strings.Contains(r.out, "Connection:"); got != online {
			t.Errorf("the help of %s speaks of a connection: %v, want %v:\n%s", command, got, online, r.out)
		}
		if got := strings.Contains(r.out, "--timeout"); got != online {
			t.Errorf("the help of %s has --timeout: %v, want %v", command, got, online)
		}
	}
}

func FuzzParseOrder(f *testing.F) {
	files, err := filepath.Glob("../../testdata/orders/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"keys": [{"slot": "S", "spki": "MA=="}, {"pkcs10": "MA"}], "evidence": null}`))
	f.Add([]byte(`{"order_id": "\ud800"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		order, err := parseOrder(text)
		if err != nil {
			if err.Error() == "not an order: " {
				t.Error("the error says nothing")
			}
			return
		}
		again, err := protojson.Marshal(order)
		if err != nil {
			t.Fatalf("an order that was read cannot be written: %v", err)
		}
		if same, err := parseOrder(again); err != nil || !proto.Equal(same, order) {
			t.Errorf("an order that was written reads as another one: %v", err)
		}
	})
}
