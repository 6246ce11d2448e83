package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// badOrders has each field wrong in turn. spoil may change the order only.
var badOrders = []struct {
	name  string
	spoil func(t *testing.T, o *siegelv1.Order)
	field string // path that the answer must name
}{
	{"ICCSN one digit short", func(_ *testing.T, o *siegelv1.Order) { o.Iccsn = o.Iccsn[:19] }, "iccsn"},
	{"ICCSN one digit long", func(_ *testing.T, o *siegelv1.Order) { o.Iccsn += "0" }, "iccsn"},
	{"ICCSN of another country", func(_ *testing.T, o *siegelv1.Order) { o.Iccsn = "80250" + o.Iccsn[5:] }, "iccsn"},
	{"Telematik-ID with an umlaut", func(_ *testing.T, o *siegelv1.Order) { o.Institution.TelematikId = "5-2-KH-Würzburg" }, "institution.telematik_id"},
	{"Telematik-ID of another sector", func(_ *testing.T, o *siegelv1.Order) { o.Institution.TelematikId = "3-2-APO-1" }, "institution.telematik_id"},
	{"no Telematik-ID", func(_ *testing.T, o *siegelv1.Order) { o.Institution.TelematikId = "" }, "institution.telematik_id"},
	{"RSA key of 1024 bits", setKey("C.HCI.AUT.R2048", rsaKey(1024, 65537)), "keys[0].spki"},
	{"even exponent", setKey("C.HCI.AUT.R2048", rsaKey(2048, 65536)), "keys[0].spki"},
	{"key with the ROCA weakness", setKey("C.HCI.AUT.R2048", rocaKey), "keys[0].spki"},
	{"point off the curve", func(_ *testing.T, o *siegelv1.Order) {
		spki := key(o, "C.HCI.AUT.E256").GetSpki()
		spki[len(spki)-1] ^= 1
	}, "keys[3].spki"},
	{"octets that are no key", setKey("C.HCI.AUT.E256", func(*testing.T) []byte { return []byte{0x30, 0x00} }), "keys[3].spki"},
	{"term of five years and a day", func(_ *testing.T, o *siegelv1.Order) { o.ValidFrom, o.ValidUntil = today(0, 0), today(5, 0) }, "valid_until"},
	{"validity that begins tomorrow", func(_ *testing.T, o *siegelv1.Order) { o.ValidFrom = today(0, 1) }, "valid_from"},
	{"QES slot in a G2.1 card", func(_ *testing.T, o *siegelv1.Order) { key(o, "C.HCI.OSIG.R2048").Slot = "C.HCI.QES.R2048" }, "keys[2].slot"},
	{"slot twice", func(_ *testing.T, o *siegelv1.Order) { key(o, "C.HCI.OSIG.R2048").Slot = "C.HCI.AUT.R2048" }, "keys[2].slot"},
	{"slot missing", func(_ *testing.T, o *siegelv1.Order) { o.Keys = o.Keys[:len(o.Keys)-1] }, "keys"},
	{"one key for two slots", func(_ *testing.T, o *siegelv1.Order) {
		key(o, "C.HCI.ENC.E256").Key = &siegelv1.SlotKey_Spki{Spki: key(o, "C.HCI.AUT.E256").GetSpki()}
	}, "keys[4].spki"},
	{"no approval", func(_ *testing.T, o *siegelv1.Order) { o.Evidence.Approval = nil }, "evidence.approval"},
	{"no identification", func(_ *testing.T, o *siegelv1.Order) { o.Evidence.Identification = nil }, "evidence.identification"},
	{"no evidence", func(_ *testing.T, o *siegelv1.Order) { o.Evidence = nil }, "evidence"},
	{"no HBA", func(_ *testing.T, o *siegelv1.Order) { o.Evidence.HbaTelematikId = "" }, "evidence.hba_telematik_id"},
	{"unknown card type", func(_ *testing.T, o *siegelv1.Order) { o.CardType = "smcb-g9" }, "card_type"},
	{"unknown sector", func(_ *testing.T, o *siegelv1.Order) { o.Sector = "bakery" }, "sector"},
	{"profession of another sector", func(_ *testing.T, o *siegelv1.Order) { o.Institution.ProfessionOid = "1.2.276.0.76.4.54" }, "institution.profession_oid"},
	{"name too long", func(_ *testing.T, o *siegelv1.Order) { o.Institution.Name = strings.Repeat("N", 65) }, "institution.name"},
	{"person where the sector has none", func(_ *testing.T, o *siegelv1.Order) { o.Institution.Responsible = &siegelv1.Person{Surname: "Test"} }, "institution.responsible.surname"},
	{"order id with a space", func(_ *testing.T, o *siegelv1.Order) { o.OrderId = "no good" }, "order_id"},
}

// TestBadOrders sends each bad order: it must be answered INVALID_ARGUMENT with field path, rule and citation, and leave nothing behind.
// In the end the same id, ICCSN and keys give a good card, which proves that none of them was taken.
func TestBadOrders(t *testing.T) {
	r := newRig(t)
	server := start(t, r)
	client := dial(t, r, server, "line-1")
	source := newOrders(t, false)
	good := source.Next()
	for _, c := range badOrders {
		t.Run(c.name, func(t *testing.T) {
			order := proto.CloneOf(good)
			c.spoil(t, order)
			_, err := issue(t.Context(), client, order)
			checkRefusal(t, err, c.field)
		})
	}
	t.Run("key of another card", func(t *testing.T) {
		other := source.Next()
		if _, err := issue(t.Context(), client, other); err != nil {
			t.Fatal(err)
		}
		order := proto.CloneOf(good)
		order.Keys[3] = proto.CloneOf(other.Keys[3])
		_, err := issue(t.Context(), client, order)
		checkRefusal(t, err, "keys[3].spki")
		order = proto.CloneOf(good)
		order.Iccsn = other.Iccsn
		_, err = issue(t.Context(), client, order)
		checkRefusal(t, err, "iccsn")
	})
	t.Logf("%d bad orders", len(badOrders)+2)

	if got, want := orderEntries(t, r, server), "order-recorded card-issued"; got != want {
		t.Errorf("the entries of orders are %q, want those of the one good order, %q: bad orders left something behind", got, want)
	}
	server, client = restart(t, r)
	defer stop(t, server)
	if _, err := issue(t.Context(), client, good); err != nil {
		t.Errorf("the good order after the bad ones: %v", err)
	}
}

// checkRefusal wants INVALID_ARGUMENT with a violation at the field, a rule and a citation.
func checkRefusal(t *testing.T, err error, field string) {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != codes.InvalidArgument {
		t.Fatalf("answer is %v (%s), want INVALID_ARGUMENT", s.Code(), s.Message())
	}
	var fields []string
	var rule, citation string
	for _, d := range s.Details() {
		switch d := d.(type) {
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				fields = append(fields, v.GetField())
				if v.GetField() == field && v.GetReason() != "" {
					rule = v.GetReason()
				}
			}
		case *errdetails.ErrorInfo:
			citation = d.GetMetadata()["citation"]
		}
	}
	if rule == "" {
		t.Errorf("violations are at %q, want one with a rule at %q: %s", fields, field, s.Message())
	}
	if citation == "" {
		t.Errorf("no citation: %s", s.Message())
	}
}

func key(o *siegelv1.Order, slot string) *siegelv1.SlotKey {
	for _, k := range o.Keys {
		if k.Slot == slot {
			return k
		}
	}
	panic("the sample order has no slot " + slot)
}

func setKey(slot string, make func(t *testing.T) []byte) func(*testing.T, *siegelv1.Order) {
	return func(t *testing.T, o *siegelv1.Order) { key(o, slot).Key = &siegelv1.SlotKey_Spki{Spki: make(t)} }
}

// rsaKey makes a real key and gives it another exponent.
func rsaKey(bits, exponent int) func(*testing.T) []byte {
	return func(t *testing.T) []byte {
		t.Setenv("GODEBUG", "rsa1024min=0")
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		return spkiOf(t, k.N, exponent)
	}
}

func spkiOf(t *testing.T, n *big.Int, e int) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: e})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// rocaKey makes a modulus with the fingerprint of CVE-2017-15361: the product of two primes of the form k·M + (65537^a mod M) with
// M the product of the first 126 primes, as the flawed library made them. The test's own numbers; nobody uses them.
func rocaKey(t *testing.T) []byte {
	m := big.NewInt(1)
	for p, count := int64(2), 0; count < 126; p++ {
		if big.NewInt(p).ProbablyPrime(0) {
			m.Mul(m, big.NewInt(p))
			count++
		}
	}
	prime := func() *big.Int {
		for {
			a, err := rand.Int(rand.Reader, big.NewInt(1<<40))
			if err != nil {
				t.Fatal(err)
			}
			base := new(big.Int).Exp(big.NewInt(65537), a, m)
			k, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(1024-m.BitLen())))
			if err != nil {
				t.Fatal(err)
			}
			p := k.Mul(k, m).Add(k, base)
			if p.BitLen() == 1024 && p.Bit(1022) == 1 && p.ProbablyPrime(10) {
				return p
			}
		}
	}
	n := new(big.Int)
	for n.BitLen() != 2048 {
		n.Mul(prime(), prime())
	}
	return spkiOf(t, n, 65537)
}

// today gives the date in so many years and days.
func today(years, days int) string {
	return time.Now().UTC().AddDate(years, 0, days).Format(time.DateOnly)
}

// newOrders makes orders of G2.1 cards for a hospital pharmacy.
func newOrders(t *testing.T, eccOnly bool) *rig.Orders {
	t.Helper()
	source, err := rig.NewOrders("hospital-pharmacy", rand.Reader, eccOnly)
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// orderEntries ends the server and gives the kinds of those entries in its database that belong to orders.
func orderEntries(t *testing.T, r *rig.Rig, server *rig.Server) string {
	t.Helper()
	stop(t, server)
	store, err := sqlite.Open(t.Context(), filepath.Join(r.Data, "siegel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	list, err := store.Entries(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, e := range list {
		if e.Kind == tlog.OrderRecorded || e.Kind == tlog.CardIssued || e.Kind == tlog.AttemptAbandoned {
			kinds = append(kinds, string(e.Kind))
		}
	}
	return strings.Join(kinds, " ")
}

// restart starts the server again and connects to it.
func restart(t *testing.T, r *rig.Rig) (*rig.Server, siegelv1.IssuanceServiceClient) {
	t.Helper()
	server := start(t, r)
	return server, dial(t, r, server, "line-1")
}
