package ca_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/testkey"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: the world of a test. A store in a file, a hierarchy whose keys are watched, an authority over both, and
// orders for it.

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is an authority with what it stands on.
type world struct {
	*ca.Authority
	db     *sqlite.Store
	path   string // of the database
	faulty *storetest.FaultyStore
	keys   *witness
}

// newWorld starts an authority on a store of its own.
func newWorld(t testing.TB, change ...func(*ca.Config)) *world {
	t.Helper()
	w := emptyWorld(t)
	w.start(t, change...)
	return w
}

// emptyWorld is a store without an authority.
func emptyWorld(t testing.TB) *world {
	t.Helper()
	return worldAt(t, filepath.Join(t.TempDir(), "siegel.db"))
}

// worldAt is the store in a file, without an authority. A file that is not there begins as a copy of an empty store, since to migrate a
// file takes longer than most tests.
func worldAt(t testing.TB, path string) *world {
	t.Helper()
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(path, emptyStore(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{path: path, db: openStore(t, path), keys: &witness{signed: map[string]int{}}}
	w.faulty = storetest.Faulty(w.db)
	return w
}

// emptyStore is the file of a store in which nothing has happened.
var emptyStore = sync.OnceValue(func() []byte {
	dir, err := os.MkdirTemp("", "siegel-ca-test-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "siegel.db")
	db, err := sqlite.Open(context.Background(), path)
	if err != nil {
		panic(err)
	}
	if err := db.Close(); err != nil {
		panic(err)
	}
	octets, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return octets
})

func openStore(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	db, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// start makes and starts an authority on the world's store, as after a restart of the server.
func (w *world) start(t testing.TB, change ...func(*ca.Config)) {
	t.Helper()
	w.faulty = storetest.Faulty(w.db)
	w.keys.intended = w.faulty.Intended
	cfg := w.config()
	for _, c := range change {
		c(&cfg)
	}
	a, err := ca.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Authority = a
	t.Cleanup(func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// config is a good configuration, with keys that the world's witness watches.
func (w *world) config() ca.Config {
	return ca.Config{
		Store: w.faulty, Profiles: catalogue(), Issuers: watched(w.keys), Environment: profiles.Test, TSPID: "16",
		KeySession: ca.SessionBounds{Signatures: 1 << 20, Lifetime: 24 * time.Hour}, OpensAlone: true,
		ApprovalTime: time.Hour, ConfigHash: make([]byte, 32), Now: tick, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

var catalogue = sync.OnceValue(func() *profiles.Set { return must(profiles.Builtin()) })

var ticks atomic.Int64

// tick is a clock that moves a millisecond with every look.
func tick() time.Time { return dayOfIssue.Add(time.Duration(ticks.Add(1)) * time.Millisecond) }

// watched gives the hierarchy with its keys behind a witness.
func watched(w *witness) []ca.Issuer {
	list := append([]ca.Issuer(nil), hierarchy()...)
	for i := range list {
		list[i].Key = &watchedKey{list[i].Key, w}
	}
	return list
}

// witness sees every use of a key: nothing is signed that is not recorded (promise 1). It counts the signatures, so that the sweep
// can compare them with the drafts in the log (promise 3).
type witness struct {
	intended func(hash [32]byte) bool // whether a store holds the draft with this SHA-256 of its body

	mu     sync.Mutex
	calls  int
	signed map[string]int // signatures by the SHA-256 of the message, in hex
	broken []error
	// meddle, where it is set, may fail a call before the key is used, or afterwards.
	meddle func(call int) (before, after error)
	// away, where it is set, is why the token does not serve, as it says without being asked to sign.
	away error
	// alter, where it is set, changes a signature on its way back.
	alter func(signature []byte) []byte
}

type watchedKey struct {
	ca.Key
	witness *witness
}

func (k *watchedKey) Sign(ctx context.Context, s sigalg.Scheme, message []byte) ([]byte, error) {
	before, after := k.witness.enter(s, message)
	if before != nil {
		return nil, before
	}
	signature, err := k.Key.Sign(ctx, s, message)
	if err == nil {
		k.witness.note(s, message)
	}
	if after != nil {
		return nil, after
	}
	if err == nil && k.witness.alter != nil {
		signature = k.witness.alter(signature)
	}
	return signature, err
}

func (k *watchedKey) Ready() error { return k.witness.away }

func (w *witness) enter(s sigalg.Scheme, message []byte) (before, after error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if hash := bodyHash(s, message); !w.intended(hash) {
		w.broken = append(w.broken, fmt.Errorf("key call %d signs what is not recorded: SHA-256 %x", w.calls, hash))
	}
	if w.meddle != nil {
		return w.meddle(w.calls)
	}
	return nil, nil
}

func (w *witness) note(s sigalg.Scheme, message []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.signed[fmt.Sprintf("%x", bodyHash(s, message))]++
}

// bodyHash is the SHA-256 of a draft's body, from what a key is given: the body, or for message recovery the block that ends in the
// hash and BC (ISO/IEC 9796-2, scheme 1).
func bodyHash(s sigalg.Scheme, message []byte) [32]byte {
	if s == sigalg.ISO9796SHA256 && len(message) == 256 {
		return [32]byte(message[223:255])
	}
	return sha256.Sum256(message)
}

// sweep checks everything that must hold in a world at rest: the store's invariants, what the witness saw, and that the log has a
// draft for each signature. (Drafts of a CV certificate have no serial number: those of two attempts may be the same octets.)
func (w *world) sweep(t *testing.T) {
	t.Helper()
	if err := storetest.Check(context.Background(), w.db); err != nil {
		t.Error(err)
	}
	w.keys.mu.Lock()
	defer w.keys.mu.Unlock()
	for _, err := range w.keys.broken {
		t.Error(err)
	}
	drafts := map[string]int{}
	for _, e := range w.entries(t) {
		for _, d := range draftsIn(t, e) {
			drafts[d.BodySHA256]++
		}
	}
	for hash, n := range w.keys.signed {
		if n > drafts[hash] {
			t.Errorf("%d signatures for %d drafts with SHA-256 %s", n, drafts[hash], hash)
		}
	}
}

// draftName is how an order-recorded entry names a draft.
type draftName struct {
	Serial     string
	BodySHA256 string `json:"body_sha256"`
}

// draftsIn gives the drafts of an order-recorded entry, and none of any other.
func draftsIn(t *testing.T, e ca.StoredEntry) []draftName {
	t.Helper()
	if e.Kind != tlog.OrderRecorded {
		return nil
	}
	var facts struct{ Drafts []draftName }
	if err := json.Unmarshal(e.Facts, &facts); err != nil {
		t.Fatal(err)
	}
	return facts.Drafts
}

// entries reads the whole log.
func (w *world) entries(t *testing.T) []ca.StoredEntry {
	t.Helper()
	list, err := w.db.Entries(t.Context(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

const operator = "line-1"

// newOrder gives a good order for a card with a number of its own: a hospital's pharmacy, generation 2.1.
func newOrder(n int) *profiles.Order {
	order := smallOrder(n)
	keys := testkey.New(rand.NewChaCha8([32]byte{1, byte(n), byte(n >> 8), byte(n >> 16)}))
	for _, slot := range []string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048", "C.SMC.AUTR_CVC.R2048"} {
		order.Keys = append(order.Keys, profiles.SlotKey{Slot: slot, SPKI: keys.RSA()})
	}
	return order
}

// smallOrder is newOrder without the RSA certificates, for tests of many cards.
func smallOrder(n int) *profiles.Order {
	keys := testkey.New(rand.NewChaCha8([32]byte{0, byte(n), byte(n >> 8), byte(n >> 16)}))
	order := &profiles.Order{
		ID: fmt.Sprintf("order-%d", n), CardType: "smcb-g2.1", ICCSN: fmt.Sprintf("8027600101%010d", n), Sector: "dkg",
		Institution: profiles.Institution{
			Name: "Krankenhausapotheke Am Waldesrand", TelematikID: "5-2-KH-APO-Waldesrand-01", ProfessionOID: "1.2.276.0.76.4.55",
			AdmissionAuthority: "gematik",
			Address:            profiles.Address{Street: "Am Waldesrand 1", PostalCode: "12345", Locality: "Berlin", State: "Berlin"},
		},
		Evidence: profiles.Evidence{
			Approval:       profiles.Approval{Body: "DKTIG", Reference: "release-7081", Time: "2026-02-20T10:00:00+01:00"},
			Identification: profiles.Identification{Method: "eid", DocumentReference: "ident-5512", Time: "2026-02-18T09:00:00+01:00"},
			HBATelematikID: "1-1-Arzt-0815",
		},
	}
	for _, slot := range []string{"C.HCI.AUT.E256", "C.HCI.ENC.E256", "C.HCI.OSIG.E256", "C.SMC.AUTR_CVC.E256", "C.SMC.AUTD_RPE_CVC.E256"} {
		order.Keys = append(order.Keys, profiles.SlotKey{Slot: slot, SPKI: keys.EC()})
	}
	return order
}
