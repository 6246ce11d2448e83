package ca_test

import (
	"bytes"
	"crypto"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// The story of this file: drafts knock at the door that no planner would make and no lint would pass. None of them reaches a key.

// doorWorld is a world whose witness takes every draft for recorded, and one good draft of each format.
func doorWorld(t *testing.T, change ...func(*ca.Config)) (w *world, x509, cvc ca.Draft) {
	t.Helper()
	w = newWorld(t, change...)
	w.keys.intended = func([32]byte) bool { return true }
	plan, err := w.Plan(t.Context(), smallOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	return w, plan.Drafts[0], plan.Drafts[3]
}

func TestDoorLetsGoodDraftsThrough(t *testing.T) {
	w, x509, cvc := doorWorld(t)
	for _, d := range []ca.Draft{x509, cvc} {
		certificate, err := w.Sign(t.Context(), ca.NewRecorded(&d))
		if err != nil {
			t.Fatalf("%s: %v", d.Slot, err)
		}
		checkCertificate(t, ca.Certificate{Draft: d, Data: certificate})
	}
}

func TestDoorRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(x509, cvc *ca.Draft)
		want  string
	}{
		{"profile that is not bound", func(x, v *ca.Draft) { x.Profile, v.Profile = "C.HCI.QES", "C.HCI.AUT" }, "is not bound to it"},
		{"unknown issuer", func(x, v *ca.Draft) { x.Issuer, v.Issuer = "SIEGEL.SMCB-CA9", "" }, "has no key here"},
		{"a root", func(x, v *ca.Draft) { x.Issuer, v.Issuer = "SIEGEL.RCA2", "SIEGEL-CVC-Root1" }, "has no key here"},
		{"another scheme", func(x, v *ca.Draft) { x.Scheme, v.Scheme = sigalg.ECDSASHA512, sigalg.RSAPKCS1SHA256 }, "does not sign with"},
		{"record with another term", func(x, v *ca.Draft) {
			x.NotAfter, v.NotAfter = x.NotAfter.Add(-time.Second), v.NotAfter.Add(-time.Second)
		}, "another term than its record"},
		{"five years and a day", func(x, v *ca.Draft) { retime(x, "310301", "310302"); retime(v, "310301", "310302") }, "longer than five years"},
		{"begins before its issuer", func(x, v *ca.Draft) {
			retime(x, "260302", "241231")
			retime(x, "310301", "291230")
			retime(v, "260302", "241231")
			retime(v, "310301", "291230")
		}, "not within its own"},
		{"outlives its issuer", func(x, v *ca.Draft) {
			retime(x, "310301", "330102")
			retime(x, "260302", "290102")
			retime(v, "310301", "330102")
			retime(v, "260302", "290102")
		}, "not within its own"},
		{"no draft at all", func(x, v *ca.Draft) { x.Body, v.Body = []byte("sign me"), []byte("sign me too") }, "read the draft"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, x509, cvc := doorWorld(t)
			c.spoil(&x509, &cvc)
			for _, d := range []ca.Draft{x509, cvc} {
				if _, err := w.Sign(t.Context(), ca.NewRecorded(&d)); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: got %v, want an error with %q", d.Slot, err, c.want)
				}
			}
			if w.keys.calls != 0 {
				t.Errorf("keys were used %d times, want 0", w.keys.calls)
			}
		})
	}
}

// retime changes a date YYMMDD in a draft's octets and in its record.
func retime(d *ca.Draft, old, new string) {
	digits := func(s string) []byte {
		b := []byte(s)
		if d.Format == ca.CVC {
			for i := range b {
				b[i] -= '0'
			}
		}
		return b
	}
	d.Body = bytes.ReplaceAll(bytes.Clone(d.Body), digits(old), digits(new))
	from, to := must(time.Parse("060102", old)), must(time.Parse("060102", new))
	move := func(t time.Time) time.Time {
		if t.Truncate(24 * time.Hour).Equal(from) {
			return to.Add(t.Sub(from))
		}
		return t
	}
	d.NotBefore, d.NotAfter = move(d.NotBefore), move(d.NotAfter)
}

func TestDoorOpensOncePerDraft(t *testing.T) {
	w, x509, _ := doorWorld(t)
	r := ca.NewRecorded(&x509)
	if _, err := w.Sign(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), r); err == nil || !strings.Contains(err.Error(), "signed before") {
		t.Errorf("a second time: got %v, want a refusal", err)
	}
	if w.keys.calls != 1 {
		t.Errorf("keys were used %d times, want 1", w.keys.calls)
	}
}

// TestFailedSignatureUsesUpTheDraft: whatever the error, a signature may have been made.
func TestFailedSignatureUsesUpTheDraft(t *testing.T) {
	w, x509, _ := doorWorld(t)
	w.keys.meddle = func(int) (before, after error) { return nil, errKey }
	r := ca.NewRecorded(&x509)
	if _, err := w.Sign(t.Context(), r); !errors.Is(err, errKey) {
		t.Fatalf("got %v, want the fault", err)
	}
	w.keys.meddle = nil
	if _, err := w.Sign(t.Context(), r); err == nil {
		t.Error("the draft was signed a second time")
	}
}

func TestKeySessionBoundsTheDoor(t *testing.T) {
	bounded := func(b ca.SessionBounds) func(*ca.Config) { return func(c *ca.Config) { c.KeySession = b } }
	t.Run("time", func(t *testing.T) {
		now := dayOfIssue
		w, x509, _ := doorWorld(t, bounded(ca.SessionBounds{Signatures: 10, Lifetime: time.Hour}),
			func(c *ca.Config) { c.Now = func() time.Time { return now } })
		now = now.Add(time.Hour)
		if _, err := w.Sign(t.Context(), ca.NewRecorded(&x509)); err != nil {
			t.Errorf("at the last moment: %v", err)
		}
		now = now.Add(time.Millisecond)
		if _, err := w.Sign(t.Context(), ca.NewRecorded(&x509)); err == nil || !strings.Contains(err.Error(), "ended by time") {
			t.Errorf("a moment later: got %v, want a refusal", err)
		}
	})
	t.Run("not opened", func(t *testing.T) {
		a, err := ca.New(emptyWorld(t).config())
		if err != nil {
			t.Fatal(err)
		}
		var unavailable *ca.UnavailableError
		if _, err := a.Issue(t.Context(), operator, smallOrder(1)); !errors.As(err, &unavailable) {
			t.Errorf("before Start: got %v, want *UnavailableError", err)
		}
		if err := a.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestDoorClosesWithItsIssuer: the server runs on when an issuer's certificate has ended.
func TestDoorClosesWithItsIssuer(t *testing.T) {
	now := dayOfIssue
	w, x509, cvc := doorWorld(t, func(c *ca.Config) {
		c.Now, c.KeySession.Lifetime = func() time.Time { return now }, 20*366*24*time.Hour
	})
	now = date(2033, 1, 1)
	for _, d := range []ca.Draft{x509, cvc} {
		if _, err := w.Sign(t.Context(), ca.NewRecorded(&d)); err == nil || !strings.Contains(err.Error(), "is not valid now") {
			t.Errorf("%s: got %v, want a refusal", d.Slot, err)
		}
	}
}

// TestDoorKeepsToTheCardFile: a certificate that does not fit its file never leaves.
func TestDoorKeepsToTheCardFile(t *testing.T) {
	w, x509, cvc := doorWorld(t)
	x509.Slot, cvc.Slot = "C.SMC.AUTR_CVC.E256", "C.HCI.QES.E256" // a file of 222 octets, and none at all
	for _, d := range []ca.Draft{x509, cvc} {
		if _, err := w.Sign(t.Context(), ca.NewRecorded(&d)); err == nil || !strings.Contains(err.Error(), "the card file of") {
			t.Errorf("%s: got %v, want a refusal", d.Slot, err)
		}
	}
}

// swappedKey shows another public half once it is told to, as a token would whose key was replaced.
type swappedKey struct {
	ca.Key
	swapped bool
}

func (k *swappedKey) Public() crypto.PublicKey {
	if k.swapped {
		return hierarchy()[rootECC].Key.Public()
	}
	return k.Key.Public()
}

func TestDoorSeesAnotherKey(t *testing.T) {
	key := &swappedKey{}
	w, x509, _ := doorWorld(t, func(c *ca.Config) {
		key.Key = c.Issuers[smcbECC].Key
		c.Issuers[smcbECC].Key = key
	})
	key.swapped = true
	if _, err := w.Sign(t.Context(), ca.NewRecorded(&x509)); err == nil || !strings.Contains(err.Error(), "not the key of its certificate") {
		t.Errorf("got %v, want a refusal", err)
	}
}

// TestBadSignatureAbandonsTheAttempt: what a token gives back is checked, and a certificate that is wrong never leaves.
func TestBadSignatureAbandonsTheAttempt(t *testing.T) {
	for name, alter := range map[string]func([]byte) []byte{
		"one bit wrong": func(s []byte) []byte { s = bytes.Clone(s); s[len(s)-1] ^= 1; return s },
		"cut short":     func(s []byte) []byte { return s[:len(s)-1] },
		"empty":         func([]byte) []byte { return nil },
		"of something else": func(s []byte) []byte {
			return must(hierarchy()[smcbECC].Key.Sign(t.Context(), sigalg.ECDSASHA256, []byte("something else")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.keys.alter = alter
			if _, err := w.Issue(t.Context(), operator, newOrder(1)); !errors.Is(err, sigalg.ErrSignature) {
				t.Errorf("got %v, want sigalg.ErrSignature", err)
			}
			entries := w.entries(t)
			if last := entries[len(entries)-1]; !strings.Contains(string(last.Facts), `"reason":"signature-bad"`) {
				t.Errorf("the last entry is %s %s, want an abandoned attempt", last.Kind, last.Facts)
			}
			w.keys.alter = nil
			if _, err := w.Issue(t.Context(), operator, newOrder(1)); err != nil {
				t.Errorf("sent again: %v", err)
			}
			w.sweep(t)
		})
	}
}

// awayError is the error of a token that is away for now.
type awayError struct{}

func (awayError) Error() string   { return "the token is away" }
func (awayError) Temporary() bool { return true }

// TestTokenThatIsAway: the sender may come again, and nothing is left open meanwhile.
func TestTokenThatIsAway(t *testing.T) {
	w := newWorld(t)
	w.keys.meddle = func(int) (before, after error) { return awayError{}, nil }
	_, err := w.Issue(t.Context(), operator, smallOrder(1))
	var unavailable *ca.UnavailableError
	if !errors.As(err, &unavailable) || !errors.Is(err, awayError{}) {
		t.Errorf("got %v, want *UnavailableError around the token's error", err)
	}
	if open, err := w.db.OpenAttempts(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open attempts are %v (%v), want none", open, err)
	}
}

// TestThereIsOneDoor reads the package: a key is used in one place for certificates and in one for heads of the log, and the right to
// use it is made in one place.
func TestThereIsOneDoor(t *testing.T) {
	var signs []string
	made := map[string][]string{} // functions by the right that they make
	for _, file := range must(filepath.Glob("*.go")) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range f.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(fn, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.SelectorExpr:
					if n.Sel.Name == "Sign" {
						signs = append(signs, fn.Name.Name)
					}
				case *ast.CompositeLit:
					if id, ok := n.Type.(*ast.Ident); ok {
						made[id.Name] = append(made[id.Name], fn.Name.Name)
					}
				case *ast.CallExpr:
					if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "new" {
						if arg, ok := n.Args[0].(*ast.Ident); ok {
							made[arg.Name] = append(made[arg.Name], fn.Name.Name)
						}
					}
				}
				return true
			})
		}
	}
	if slices.Sort(signs); !slices.Equal(slices.Compact(signs), []string{"sign", "signCRL", "signHead", "signStatus"}) {
		t.Errorf("keys sign in %v, want in sign, signCRL, signHead and signStatus alone", signs)
	}
	for right, want := range map[string]string{"recorded": "intend", "recordedHead": "round", "recordedCRL": "generate", "statusDraft": "draft"} {
		if got := slices.Compact(made[right]); !slices.Equal(got, []string{want}) {
			t.Errorf("%s is made in %v, want in %s alone", right, got, want)
		}
	}
}
