package hierarchy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/profiles"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// load reads a folder that must be good.
func load(t *testing.T, dir string) *Hierarchy {
	t.Helper()
	h, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestLifeOfAnIssuer writes each station of it and reads it back.
func TestLifeOfAnIssuer(t *testing.T) {
	dir := saved(t)
	h := load(t, dir)
	signer := h.Issuers[1]
	signer.Name, signer.Kind, signer.IssuedBy, signer.Profiles = "signer", profiles.OCSPSigner, "sub", nil
	h.Issuers[1].OrdersFrom = noon
	if err := h.Replace(dir); err != nil {
		t.Fatal(err)
	}
	h = load(t, dir)
	if got := h.Find("sub").OrdersFrom; !got.Equal(noon) {
		t.Errorf("takes orders from %s, want %s", got, noon)
	}
	if err := h.CheckDestroy("sub", noon); err == nil || !strings.Contains(err.Error(), "retire it first") {
		t.Errorf("destroying the key of an issuer in use: %v, want a refusal", err)
	}
	if err := h.Retire("sub", noon); err != nil {
		t.Fatal(err)
	}
	if err := h.Replace(dir); err != nil {
		t.Fatal(err)
	}
	h = load(t, dir)
	if sub := h.Find("sub"); !sub.Retired.Equal(noon) || !sub.RetiredAt(noon) || len(sub.KeyID) == 0 {
		t.Errorf("the retired issuer is %+v, want it retired, and its key for the CRL", sub)
	}
	if err := h.CheckDestroy("sub", noon); err == nil || !strings.Contains(err.Error(), "no OCSP signer") {
		t.Errorf("destroying the key without a signer for the status: %v, want a refusal", err)
	}
	h.Issuers = append(h.Issuers, signer) // only its place in the list counts here
	if err := h.Destroy("sub", noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	h.Issuers = h.Issuers[:2]
	if err := h.Replace(dir); err != nil {
		t.Fatal(err)
	}
	if sub := load(t, dir).Find("sub"); len(sub.KeyID)+len(sub.Profiles) != 0 || !sub.Destroyed.Equal(noon.Add(time.Hour)) {
		t.Errorf("the issuer without a key is %+v", sub)
	}
}

// TestLifeRefusals are acts at the wrong time.
func TestLifeRefusals(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *Hierarchy) error
		want string
	}{
		{"retire an unknown one", func(h *Hierarchy) error { return h.Retire("nobody", noon) }, "not in the list"},
		{"retire a root", func(h *Hierarchy) error { return h.Retire("root", noon) }, "signs no cards"},
		{"retire twice", func(h *Hierarchy) error {
			if err := h.Retire("sub", noon); err != nil {
				return err
			}
			return h.Retire("sub", noon)
		}, "was retired at"},
		{"destroy an unknown one", func(h *Hierarchy) error { return h.Destroy("nobody", noon) }, "not in the list"},
		{"destroy while cards name a CRL", func(h *Hierarchy) error {
			h.Issuers[1].CRLURL, h.Issuers[1].Retired = "http://crl.example", noon
			return h.Destroy("sub", noon)
		}, "which no other key can sign"},
		{"destroy twice", func(h *Hierarchy) error {
			h.Issuers[1].OCSPURL, h.Issuers[1].Retired = "", noon
			if err := h.Destroy("sub", noon); err != nil {
				return err
			}
			return h.Destroy("sub", noon)
		}, "was destroyed at"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.do(load(t, saved(t))); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestDestroyAfterTheEnd: nobody asks for the status of cards whose issuer's certificate has ended.
func TestDestroyAfterTheEnd(t *testing.T) {
	h := load(t, saved(t))
	h.Issuers[1].Retired = noon
	_, last, _ := h.Issuers[1].Validity()
	if err := h.Destroy("sub", last.Add(time.Second)); err != nil {
		t.Error(err)
	}
}

// TestReplaceLosesNothing: cards depend on what is in the list.
func TestReplaceLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(h *Hierarchy)
		want string
	}{
		{"issuer disappears", func(h *Hierarchy) { h.Issuers = h.Issuers[:1] }, `"sub" would disappear`},
		{"another certificate", func(h *Hierarchy) { h.Issuers[1].X509 = h.Issuers[0].X509 }, `"sub" would get another certificate`},
		{"another environment", func(h *Hierarchy) { h.Environment = profiles.Production }, "another environment"},
		{"another log", func(h *Hierarchy) { h.Log.KeyID = []byte{9} }, "another environment, provider or log"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := saved(t)
			before, err := os.ReadFile(filepath.Join(dir, FileName))
			if err != nil {
				t.Fatal(err)
			}
			h := load(t, dir)
			c.do(h)
			if err := h.Replace(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if after, err := os.ReadFile(filepath.Join(dir, FileName)); err != nil || string(after) != string(before) {
				t.Errorf("the refused list changed the folder (%v)", err)
			}
		})
	}
}

// TestLifeInTheList edits the list by hand, against the order of an issuer's life.
func TestLifeInTheList(t *testing.T) {
	const row = "      ocsp_url: http://ocsp.example/sub\n"
	const bound = "      profiles:\n        - C.HCI.AUT\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"destroyed in use", bound, "      key_destroyed: 2026-03-02T12:00:00Z\n", "not retired"},
		{"destroyed and there", bound, "      retired: 2026-03-02T12:00:00Z\n      key_destroyed: 2026-03-02T12:00:00Z\n", "it has a key or profiles"},
		{"destroyed first", "      key: \"0102\"\n" + row + bound, row + "      retired: 2026-03-02T12:00:00Z\n      key_destroyed: 2026-03-02T11:00:00Z\n", "destroyed before it was retired"},
		{"no date", row, row + "      orders_from: soon\n", "soon"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkEdited(t, saved(t), c.old, c.new, c.want)
		})
	}
}
