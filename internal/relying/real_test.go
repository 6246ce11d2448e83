package relying

import (
	"encoding/pem"
	"errors"
	"os"
	"testing"
	"time"
)

// The story of this file: certificates that real issuers made are accepted for what they are, and for nothing else.

func TestRealChain(t *testing.T) {
	card := readPEM(t, "psychotherapist-AUT-E256")
	above := Above{Issuer: readPEM(t, "GEM.SMCB-CA57_TEST-ONLY"), Root: readPEM(t, "GEM.RCA8_TEST-ONLY")}
	need, _ := NeedOf("C.HCI.AUT.E256")
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

	got, err := Check(card, above, need, at)
	if err != nil {
		t.Fatal(err)
	}
	if want := "1.2.276.0.76.4.52"; got.Role != want || got.Item != "Betriebsstätte Psychotherapeut" || got.Type != need.Type || got.TelematikID == "" {
		t.Errorf("got %+v, want role %s", got, want)
	}

	encryption, _ := NeedOf("C.HCI.ENC")
	signing, _ := NeedOf("C.HCI.OSIG")
	terminal, _ := NeedOf("C.SMKT.AUT")
	otherRole := need
	otherRole.Role = "1.2.276.0.76.4.103"
	for _, c := range []struct {
		name  string
		raw   []byte
		above Above
		need  Need
		at    time.Time
		want  Code
	}{
		{"a day before it begins", card, above, need, date(2024, 11, 1), NotValidTime},
		{"ten years later", card, above, need, date(2036, 1, 1), NotValidTime},
		{"to encrypt", card, above, encryption, at, WrongKeyUsage},
		{"to sign", card, above, signing, at, WrongKeyUsage},
		{"as a card terminal", card, above, terminal, at, WrongPurpose},
		{"as a Konnektor", card, above, otherRole, at, RoleMismatch},
		{"below the root itself", card, Above{above.Root, above.Root}, need, at, OtherIssuer},
		{"without a root", card, Above{Issuer: above.Issuer}, need, at, NoCA},
		{"below a card", card, Above{card, above.Root}, need, at, OtherIssuer},
		{"with a bit of its signature changed", flip(card, len(card)-1), above, need, at, NotValidMath},
		{"with a bit of its key changed", flip(above.Issuer, len(above.Issuer)-1), above, need, at, WrongKeyUsage},
		{"cut short", card[:len(card)-1], above, need, at, ReadError},
	} {
		t.Run(c.name, func(t *testing.T) {
			identity, err := Check(c.raw, c.above, c.need, c.at)
			wantRefusal(t, err, c.want)
			if identity != (Identity{}) {
				t.Errorf("the refusal comes with %+v", identity)
			}
		})
	}
}

// TestQualifiedCertificate: a real one of a doctor. It outlives its issuer, as the chain model allows, so the shell model's step refuses it;
// every step before does not.
func TestQualifiedCertificate(t *testing.T) {
	card, issuer := readPEM(t, "HBA-80276001011699901501-C_HP_QES_R2048"), readPEM(t, "GEM.HBA-qCA24_TEST-ONLY")
	at := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
	signature, _ := NeedOf("C.HCI.QES.R2048")
	_, err := Check(card, Above{Issuer: issuer, Root: issuer}, signature, at)
	wantRefusal(t, err, NotValidTime)
	seal, _ := NeedOf("C.HCI.QSEAL.R2048")
	_, err = Check(card, Above{Issuer: issuer, Root: issuer}, seal, at)
	wantRefusal(t, err, QCStatement)
}

func wantRefusal(t *testing.T, err error, want Code) {
	t.Helper()
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func flip(raw []byte, i int) []byte {
	raw = append([]byte(nil), raw...)
	raw[i] ^= 1
	return raw
}

func date(year int, month time.Month, day int) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

func readPEM(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/real/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", name)
	}
	return block.Bytes
}
