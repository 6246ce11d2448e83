package profiles_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// now is a day on which all three issuers of the fixture are valid and the longest term fits into theirs.
var now = time.Date(2024, time.November, 5, 12, 0, 0, 0, time.UTC)

var loadBuiltin = sync.OnceValues(profiles.Builtin)

// builtin gives the catalogue of the program.
func builtin(t testing.TB) *profiles.Set {
	t.Helper()
	set, err := loadBuiltin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// sampleOrder reads one of the sample orders afresh.
func sampleOrder(t testing.TB, name string) *profiles.Order {
	t.Helper()
	order := new(profiles.Order)
	decodeStrictly(t, readFile(t, filepath.Join("..", "testdata", "orders", name+".json")), order)
	return order
}

// testContext has the real issuers of the sample certificates where they are public, and a real CVC sub-CA of each generation.
func testContext(t testing.TB) *profiles.Context {
	t.Helper()
	set := builtin(t)
	x509 := func(name, file string, key sigalg.KeyType) *profiles.Issuer {
		return &profiles.Issuer{
			Name: name, Kind: profiles.SMCBCA, KeyType: key, X509: realCertificate(t, file), OCSPURL: "http://ehca.gematik.de/ocsp/",
			CRLURL: "http://ehca.gematik.de/crl/", Profiles: set.ProfilesFor(profiles.SMCBCA, key.Generation()),
		}
	}
	sub, err := cvc.Parse(readFile(t, "testdata/real/DEGXX13223.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	g1, err := g1SubCA(t).OpenCA(g1Root(t))
	if err != nil {
		t.Fatal(err)
	}
	return &profiles.Context{
		Environment: profiles.Test,
		Now:         now,
		TSPID:       "16",
		Issuers: []*profiles.Issuer{
			x509("GEM.SMCB-CA41", "GEM.SMCB-CA41_TEST-ONLY.pem", sigalg.R2048),
			x509("GEM.SMCB-CA57", "GEM.SMCB-CA57_TEST-ONLY.pem", sigalg.E256),
			{Name: "DEGXX13223", Kind: profiles.CVCSubCA, KeyType: sigalg.E256, CVC: sub, Profiles: set.ProfilesFor(profiles.CVCSubCA, sigalg.ECC)},
			{Name: "DEGEX10115", Kind: profiles.CVCSubCA, KeyType: sigalg.R2048, G1: g1, Profiles: set.ProfilesFor(profiles.CVCSubCA, sigalg.RSA)},
			qualifiedCA(t),
			kompCA(t, "SIEGEL.KOMP-CA1", sigalg.R2048),
			kompCA(t, "SIEGEL.KOMP-CA2", sigalg.E256),
			{Name: "DEGXX12223", Kind: profiles.CVCDeviceCA, KeyType: sigalg.E256, CVC: realCVC(t, "DEGXX12223.cvc"),
				Profiles: set.ProfilesFor(profiles.CVCDeviceCA, sigalg.ECC)},
			{Name: "DESGX13223", Kind: profiles.CVCSubCA, KeyType: sigalg.E256, CVC: parseCVC(t, "made/DESGX13223.cvc"),
				Profiles: set.ProfilesFor(profiles.CVCSubCA, sigalg.ECC)}, // of KTR-AdV alone
		},
	}
}

// qualifiedCA is an issuer of qualified certificates.
func qualifiedCA(t testing.TB) *profiles.Issuer {
	t.Helper()
	return &profiles.Issuer{
		Name: "SIEGEL.SMCB-qCA1", Kind: profiles.QESCA, KeyType: sigalg.R2048, X509: certificate(t, "made/SIEGEL.SMCB-qCA1.pem"),
		OCSPURL: "http://ocsp.qes.siegel.example/", Profiles: builtin(t).ProfilesFor(profiles.QESCA, sigalg.RSA),
		Qualified: &profiles.QualifiedInfo{
			PDS:            []pkix.PDSLocation{{URL: "https://www.siegel.example/pds/en.pdf", Language: "en"}, {URL: "https://www.siegel.example/pds/de.pdf", Language: "de"}},
			RetentionYears: 7, CAIssuersURL: "http://www.siegel.example/SMCB-qCA1.cer",
		},
	}
}

// kompCA is an issuer of devices.
func kompCA(t testing.TB, name string, key sigalg.KeyType) *profiles.Issuer {
	t.Helper()
	return &profiles.Issuer{
		Name: name, Kind: profiles.KOMPCA, KeyType: key, X509: certificate(t, "made/"+name+".pem"), OCSPURL: "http://ocsp.komp.siegel.example/",
		Profiles: builtin(t).ProfilesFor(profiles.KOMPCA, key.Generation()),
	}
}

// g1Root reads the key of a real root of generation 1.
func g1Root(t testing.TB) *cvc.G1CA {
	t.Helper()
	root, err := cvc.ParseG1Root(readFile(t, "testdata/real/DEGXX11109.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// g1SubCA reads the certificate of a real sub-CA of generation 1.
func g1SubCA(t testing.TB) *cvc.G1Certificate {
	t.Helper()
	c, err := cvc.ParseG1(readFile(t, "testdata/real/DEGEX10115.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// realCertificate reads a public test certificate.
func realCertificate(t testing.TB, file string) *pkix.Certificate {
	t.Helper()
	return certificate(t, filepath.Join("real", file))
}

// certificate reads a certificate of testdata.
func certificate(t testing.TB, file string) *pkix.Certificate {
	t.Helper()
	c, err := pkix.ParseCertificate(unPEM(t, readFile(t, filepath.Join("testdata", file))))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// testKey reads the DER of a key or request of testdata/keys.
func testKey(t testing.TB, name string) []byte {
	t.Helper()
	return unPEM(t, readFile(t, filepath.Join("testdata", "keys", name+".pem")))
}

func unPEM(t testing.TB, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatal("no PEM block")
	}
	return block.Bytes
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// mustPlan plans a good order.
func mustPlan(t testing.TB, order *profiles.Order, c *profiles.Context) *profiles.Plan {
	t.Helper()
	plan, err := builtin(t).Plan(order, c)
	if err != nil {
		t.Fatalf("plan of %s: %v", order.ID, err)
	}
	return plan
}

// slotOf finds a slot of a plan.
func slotOf(t testing.TB, plan *profiles.Plan, name string) profiles.PlannedSlot {
	t.Helper()
	i := slices.IndexFunc(plan.Slots, func(s profiles.PlannedSlot) bool { return s.Slot == name })
	if i < 0 {
		t.Fatalf("the plan has no slot %s", name)
	}
	return plan.Slots[i]
}

// withoutG1Role are the sectors whose institution in testdata/orders has no role in generation 1, so that its slot stays empty.
var withoutG1Role = []string{"diga", "further-lei", "further-medical", "ktr-adv", "org", "pkv"}

// sectorOrder gives the order of a sector, from testdata/orders, for a card type, with the key of testdata/slot-keys in every slot that it
// can fill.
func sectorOrder(t testing.TB, sector, card string) *profiles.Order {
	t.Helper()
	o := new(profiles.Order)
	decodeStrictly(t, readFile(t, filepath.Join("testdata", "orders", sector+".json")), o)
	o.ID += "-" + card
	o.CardType = card
	for _, slot := range cardType(t, card).Slots {
		if slot.Name == g1Slot && slices.Contains(withoutG1Role, sector) || slot.Name == sealSlot {
			continue
		}
		if slot.Name == qesSlot {
			o.Institution.LegalName, o.Institution.Signatory = "Muster GmbH", profiles.Person{GivenName: "Ida", Surname: "Beispiel"}
		}
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: slot.Name, SPKI: slotKeyOf(t, slot.Name)})
	}
	return o
}

const (
	g1Slot   = "C.SMC.AUTR_CVC.R2048"
	qesSlot  = "C.HCI.QES.R2048"
	sealSlot = "C.HCI.QSEAL.R2048" // in place of qesSlot
)

// sealOrder is the order of a sector for a card with a seal in place of the signature of a person.
func sealOrder(t testing.TB, sector string) *profiles.Order {
	t.Helper()
	o := sectorOrder(t, sector, "smcb-g2.0")
	o.ID += "-seal"
	o.Institution.Signatory, o.Institution.OrganizationIdentifier = profiles.Person{}, "VATDE-999999999"
	*slotKey(o, qesSlot) = profiles.SlotKey{Slot: sealSlot, SPKI: slotKeyOf(t, sealSlot)}
	return o
}

// deviceOrder is the order of a device for a card type, from testdata/orders, with the key of testdata/slot-keys in every slot.
func deviceOrder(t testing.TB, card string) *profiles.Order {
	t.Helper()
	o := new(profiles.Order)
	decodeStrictly(t, readFile(t, filepath.Join("testdata", "orders", card+".json")), o)
	for _, slot := range cardType(t, card).Slots {
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: slot.Name, SPKI: slotKeyOf(t, slot.Name)})
	}
	return o
}

// slotKeyOf reads the DER of the key that testdata/slot-keys has for a slot.
func slotKeyOf(t testing.TB, slot string) []byte {
	t.Helper()
	return unPEM(t, readFile(t, filepath.Join("testdata", "slot-keys", slot+".pem")))
}

// cardType finds a card type of the catalogue.
func cardType(t testing.TB, name string) *profiles.CardType {
	t.Helper()
	for _, c := range builtin(t).CardTypes() {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no card type %s", name)
	return nil
}

// decodeStrictly reads JSON without unknown fields.
func decodeStrictly(t testing.TB, text []byte, v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		t.Fatal(err)
	}
}
