package hsm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/hsmtest"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// implementation is a PKCS#11 module with a token, and what it is known not to do.
type implementation struct {
	name, family string
	cfg          hsm.Config
	lacks        []sigalg.KeyType
}

// implementations are independent of each other.
func implementations(t *testing.T) []implementation {
	t.Helper()
	nss, err := hsmtest.NewNSS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return []implementation{
		{name: "SoftHSM2", family: "softhsm2", cfg: hsm.Config{URI: soft.URI(), Sessions: 2}},
		{name: "NSS", family: "nss", cfg: hsm.Config{URI: nss.URI, Reserved: nss.Reserved, Sessions: 2},
			lacks: []sigalg.KeyType{sigalg.E256, sigalg.E384, sigalg.E512, sigalg.Ed25519}},
	}
}

// TestModules lets each implementation do what it can: keys are made, found again, sign with each scheme, and sign while others do. What
// it lacks is what the examination says.
func TestModules(t *testing.T) {
	for _, m := range implementations(t) {
		t.Run(m.name, func(t *testing.T) {
			able := examine(t, m)
			cfg := m.cfg
			cfg.ReadWrite = true
			token := openToken(t, cfg)
			if got := token.Info().Family; got != m.family {
				t.Errorf("family is %q, want %q", got, m.family)
			}
			for _, c := range schemes {
				if !able[c.kind] {
					continue
				}
				t.Run(c.kind.String(), func(t *testing.T) { signEach(t, token, c) })
			}
		})
	}
}

// examine checks what an examination finds, and that it leaves nothing behind.
func examine(t *testing.T, m implementation) map[sigalg.KeyType]bool {
	t.Helper()
	token := openToken(t, m.cfg)
	e, err := token.Examine(t.Context(), 10*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if !e.ReadOnly {
		t.Error("read-only sessions make token objects")
	}
	able := map[sigalg.KeyType]bool{}
	for _, f := range e.Findings {
		if want := !slices.Contains(m.lacks, f.Type); f.Able != want {
			t.Errorf("%s with %s: able %t, want %t: %v", f.Type, f.Scheme, f.Able, want, f.Wrong)
		}
		if f.Able != (f.PerSecond > 0) || f.Able == (len(f.Wrong) > 0) {
			t.Errorf("%s with %s: %+v", f.Type, f.Scheme, f)
		}
		able[f.Type] = able[f.Type] || f.Able
	}
	if e.Fit() != (len(m.lacks) == 0) {
		t.Errorf("fit is %t", e.Fit())
	}
	if _, err := token.Key(t.Context(), []byte("siegel examination")); err == nil {
		t.Error("the examination left a key in the token")
	}
	if err := token.Close(); err != nil {
		t.Error(err)
	}
	return able
}
