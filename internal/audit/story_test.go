package audit

import (
	"crypto/ed25519"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// The tests of this package make logs of their own, signed with a key of their own: so a log can tell what a server that is honest never
// tells, and be in order as a tree all the same.

// day is when the stories begin.
var day = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// story is a log in the making. Each entry comes a second after the one before.
type story struct {
	t       *testing.T
	entries []tlog.Entry
	at      time.Time
}

func (s *story) tell(kind tlog.Kind, facts any, personal any) {
	s.t.Helper()
	s.at = s.at.Add(time.Second)
	e, err := tlog.NewEntry(kind, s.at, "siegeld", facts, personal)
	if err != nil {
		s.t.Fatal(err)
	}
	s.entries = append(s.entries, e)
}

func hashOf(text string) string { return hexHash([]byte(text)) }

func id(text string) string { return hashOf(text)[:32] }

const (
	theRoot   = "ROOT"
	theIssuer = "ISSUER"
)

// newStory begins with a root, an issuer, a server and an open key session of a thousand signatures, of which a hundred are drawn.
func newStory(t *testing.T) *story {
	t.Helper()
	s := &story{t: t, at: day}
	s.tell(tlog.IssuerAdded, tlog.IssuerAddedFacts{Name: theRoot, Kind: "root-ca", CertificateSHA256: hashOf(theRoot), IssuedBy: theRoot}, nil)
	s.tell(tlog.IssuerAdded, tlog.IssuerAddedFacts{Name: theIssuer, Kind: "smcb-ca", CertificateSHA256: hashOf(theIssuer), IssuedBy: theRoot}, nil)
	s.tell(tlog.ServerStarted, tlog.ServerFacts{Environment: "test", ProfileSetSHA256: hashOf("profiles"),
		Issuers: []tlog.IssuerFacts{{Name: theIssuer, Kind: "smcb-ca", CertificateSHA256: hashOf(theIssuer)}}}, nil)
	s.open("session", 100)
	return s
}

func (s *story) open(session string, drawn int64) {
	s.tell(tlog.KeySessionOpened, tlog.SessionFacts{Session: id(session), Issuer: theIssuer, Ends: tlog.Instant(s.at.Add(8 * time.Hour)), Signatures: 1000, Drawn: drawn}, nil)
}

// order gives the facts of an order of two certificates.
func order(n int) tlog.OrderFacts {
	f := tlog.OrderFacts{Order: fmt.Sprintf("order-%d", n), Attempt: id(fmt.Sprintf("attempt of %d", n)), ICCSN: fmt.Sprintf("8027600101%010d", n), CardType: "smcb-g2.1", Sector: "dkg"}
	for i, slot := range []string{"C.HCI.AUT.E256", "C.SMC.AUTR_CVC.E256"} {
		d := tlog.CertificateFacts{Slot: slot, Profile: "p", Issuer: theIssuer, NotBefore: tlog.Instant(day), NotAfter: tlog.Instant(day.AddDate(5, 0, 0).Add(-time.Second)),
			KeySHA256: hashOf(fmt.Sprint("key", n, slot)), BodySHA256: hashOf(fmt.Sprint("body", n, slot))}
		if i == 0 {
			d.Serial = hashOf(fmt.Sprint("serial", n))[:32]
		} else {
			d.CHR = "0006" + f.ICCSN
		}
		f.Drafts = append(f.Drafts, d)
	}
	return f
}

// card gives the facts of the card of an order.
func card(o tlog.OrderFacts) tlog.CardFacts {
	f := tlog.CardFacts{Order: o.Order, Attempt: o.Attempt, ICCSN: o.ICCSN, CardType: o.CardType, Sector: o.Sector, Renews: o.Renews}
	for _, d := range o.Drafts {
		d.SHA256 = hashOf("certificate " + d.BodySHA256)
		f.Certificates = append(f.Certificates, d)
	}
	return f
}

func (s *story) record(o tlog.OrderFacts) {
	s.t.Helper()
	var personal any = map[string]string{"holder": o.Order}
	if o.SameOrderAs != "" {
		personal = nil
	}
	s.tell(tlog.OrderRecorded, o, personal)
}

func (s *story) issue(o tlog.OrderFacts) {
	s.t.Helper()
	s.record(o)
	s.tell(tlog.CardIssued, card(o), nil)
}

// signer is the log of the stories.
type signer struct {
	private ed25519.PrivateKey
	key     *tlog.VerifierKey
}

func newSigner(t *testing.T, seed byte) signer {
	t.Helper()
	private := ed25519.NewKeyFromSeed(append(make([]byte, ed25519.SeedSize-1), seed))
	key, err := tlog.NewVerifierKey("log.example/story", private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return signer{private, key}
}

func (l signer) sign(t *testing.T, head tlog.Head) []byte {
	t.Helper()
	signed, err := tlog.Checkpoint{Origin: l.key.Name(), Head: head}.Sign(l.key.Signer(func(msg []byte) ([]byte, error) { return ed25519.Sign(l.private, msg), nil }))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// export writes the leaves first to end-1 of the story as an export; end is 0 for all. Parts have few leaves.
func (s *story) export(content Content, first, end int64, tables ...Table) string {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "export")
	w, err := Create(dir, content, first, end)
	if err != nil {
		s.t.Fatal(err)
	}
	s.begin(w, first, end)
	s.add(w, content, first, end)
	if _, err := w.Finish("test", day, tables...); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// tree gives the head of the story and its tiles.
func (s *story) tree() (tlog.Head, []tlog.Tile) {
	s.t.Helper()
	tree, err := tlog.OpenTree(s.t.Context(), new(tlog.Frontier).Head(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range s.entries {
		leaf, err := e.Leaf()
		if err == nil {
			err = tree.Add(tlog.LeafHash(leaf))
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return tree.Head(), tree.Flush()
}

func (s *story) begin(w *Writer, first, end int64) {
	s.t.Helper()
	head, tiles := s.tree()
	if end == 0 {
		end = head.Size
	}
	h := Head{Checkpoint: newSigner(s.t, 1).sign(s.t, head), Size: head.Size, First: first, End: end}
	for _, t := range tiles {
		if t.Width < tlog.TileWidth {
			h.Edge = append(h.Edge, t)
		}
	}
	if err := w.Begin(h); err != nil {
		s.t.Fatal(err)
	}
}

// add gives the leaves from first on to a writer, each with the full tile below which it is, as a server may that does not remember.
func (s *story) add(w *Writer, content Content, first, end int64) {
	s.t.Helper()
	head, tiles := s.tree()
	if end == 0 {
		end = head.Size
	}
	var filter tlog.Filter
	if content.Filter != nil {
		var err error
		if filter, err = content.Filter.Parse(); err != nil {
			s.t.Fatal(err)
		}
	}
	for i := first; i < end; i++ {
		p := Part{Next: i + 1}
		e := s.entries[i]
		if fits, err := filter.Fits(e); err != nil {
			s.t.Fatal(err)
		} else if fits {
			leaf, err := e.Leaf()
			if err != nil {
				s.t.Fatal(err)
			}
			l := Leaf{Index: i, Leaf: leaf}
			if content.Personal {
				l.Personal, l.Salt, l.Erased = e.Personal, e.Salt, e.Personal == nil && e.PersonalHash != nil
			}
			p.Leaves = append(p.Leaves, l)
			for _, t := range tiles {
				if t.Width == tlog.TileWidth && t.Level == 0 && t.Index == i/tlog.TileWidth {
					p.Tiles = append(p.Tiles, t)
				}
			}
		}
		if err := w.Add(p); err != nil {
			s.t.Fatal(err)
		}
	}
}

// verify verifies an export of the story.
func (s *story) verify(dir string, opts Options) *Report {
	s.t.Helper()
	opts.Tables = []Table{CSV}
	r, err := Verify(s.t.Context(), dir, newSigner(s.t, 1).key, opts)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// wantFindings fails unless the findings are those that hold the texts, one each and in any order.
func wantFindings(t *testing.T, r *Report, want ...string) {
	t.Helper()
	if int(r.Wrong) != len(want) {
		t.Errorf("%d things are wrong, want %d", r.Wrong, len(want))
	}
	for _, w := range want {
		found := false
		for _, f := range r.Findings {
			found = found || strings.Contains(f.String(), w)
		}
		if !found {
			t.Errorf("%q is not named", w)
		}
	}
	if t.Failed() {
		for _, f := range r.Findings {
			t.Log(f)
		}
	}
}
