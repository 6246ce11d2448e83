package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	mrand "math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// fillCmd is `siegel-bench fill`. It fills through the verbs of the store, so that what it makes is what the schema asks for, whatever that is:
// a card costs what it costs a server, less plan, lint and signatures. With --copy it clones rows inside the database, several times as fast. The
// sequencer runs beside it with the log's own key.
type fillCmd struct {
	Cards    int64  `required:"" help:"Cards to make."`
	Data     string `required:"" type:"path" help:"Data directory; a test hierarchy and a token are made in it where there are none."`
	Postgres string `placeholder:"DSN" help:"Database to fill in place of the data directory's SQLite file; its schema is brought up to date."`
	Workers  int    `default:"64" help:"Cards under way at the same time: they share the syncs of the disk."`
	Copy     bool   `help:"Clone the rows of one card inside the database, much faster. The log is well formed, its tree and checkpoints verify; but all cards have the certificates of the first, which do not bear the serial numbers and keys that the entries name. For what a card costs on a large database, not for audits of content. Goes on where it was stopped."`
	Active   bool   `help:"Make the cards active, with --copy into PostgreSQL."`
	Chunk    int64  `default:"50000" help:"Cards of a transaction, with --copy."`
	ECC      bool   `name:"ecc" help:"Cards with five certificates, without those of the key generation RSA, in place of eight: a database of two thirds the size."`
}

// filledStore is what both stores are.
type filledStore interface {
	ca.Store
	ca.ExportStore
	Close() error
}

// Run fills.
func (c *fillCmd) Run(ctx context.Context) error {
	if err := c.ceremony(ctx); err != nil {
		return err
	}
	card, err := c.pattern(ctx)
	if err != nil {
		return fmt.Errorf("have a card issued for a pattern: %w", err)
	}
	began := time.Now()
	if err := c.fill(ctx, card); err != nil {
		return err
	}
	fmt.Printf("bench fill-cards %.0f\n", float64(c.Cards)/time.Since(began).Seconds())
	fmt.Fprintf(os.Stderr, "siegel-bench: %d cards in %s; now: siegeld serve --data %s%s\n", c.Cards, time.Since(began).Round(time.Second), c.Data,
		c.configFlag())
	return nil
}

func (c *fillCmd) configFlag() string {
	if c.Postgres == "" {
		return ""
	}
	return " --config " + c.configFile()
}

func (c *fillCmd) configFile() string { return filepath.Join(c.Data, "postgres.yaml") }

// ceremony makes the test hierarchy where there is none, and the schema.
func (c *fillCmd) ceremony(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.Data, "hierarchy")); errors.Is(err, fs.ErrNotExist) {
		bin, err := c.programs(ctx)
		if err != nil {
			return err
		}
		defer os.RemoveAll(bin)
		if _, err := rig.New(ctx, bin, c.Data); err != nil {
			return err
		}
	}
	if c.Postgres == "" {
		return nil
	}
	if _, _, err := postgres.Migrate(ctx, c.Postgres); err != nil {
		return err
	}
	return os.WriteFile(c.configFile(), fmt.Appendf(nil, "store: {postgres: %q}\n", c.Postgres), 0o600)
}

func (c *fillCmd) programs(ctx context.Context) (string, error) {
	bin, err := os.MkdirTemp("", "siegel-bench-bin-")
	if err != nil {
		return "", err
	}
	return bin, rig.Build(ctx, bin)
}

// patternOrder is the order of the pattern, and patternICCSN its chip.
const (
	patternOrder = "fill-pattern"
	patternICCSN = "80276001990000000000"
)

// pattern has siegeld issue a real card, of the card type whose certificates can all be taken for a pattern, and reads it from the store.
func (c *fillCmd) pattern(ctx context.Context) (*ca.Card, error) {
	bin, err := c.programs(ctx)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(bin)
	r := &rig.Rig{Bin: bin, Data: c.Data}
	if err := c.issuePattern(ctx, r); err != nil {
		return nil, err
	}
	store, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	return store.Card(ctx, patternICCSN)
}

func (c *fillCmd) issuePattern(ctx context.Context, r *rig.Rig) (err error) {
	// Keys from the same numbers each time: to issue the pattern again gives the card that is there.
	orders, err := rig.NewOrders("hospital-pharmacy", mrand.NewChaCha8([32]byte{}), c.ECC)
	if err != nil {
		return err
	}
	order := orders.Next()
	order.OrderId, order.Iccsn, order.CardType = patternOrder, patternICCSN, "smcb-g2.1-os5"
	if !c.ECC {
		order.Keys = slicesWithout(order.Keys, "C.SMC.AUTR_CVC.R2048")
	}
	server, err := r.Start(strings.Fields(c.configFlag())...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	conn, err := r.Dial(server, "line-1")
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = siegelv1.NewIssuanceServiceClient(conn).IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order, WaitForInclusion: true})
	return err
}

func slicesWithout(keys []*siegelv1.SlotKey, slot string) (kept []*siegelv1.SlotKey) {
	for _, k := range keys {
		if k.GetSlot() != slot {
			kept = append(kept, k)
		}
	}
	return kept
}

func (c *fillCmd) open(ctx context.Context) (filledStore, error) {
	if c.Postgres != "" {
		return postgres.Open(ctx, c.Postgres, slog.New(slog.DiscardHandler))
	}
	return sqlite.Open(ctx, filepath.Join(c.Data, "siegel.db"))
}

// fill makes the cards, beside the sequencer.
func (c *fillCmd) fill(ctx context.Context, card *ca.Card) (err error) {
	t, err := newTemplate(card)
	if err != nil {
		return err
	}
	store, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	sequencer, closeToken, err := c.sequencer(ctx, store)
	if err != nil {
		return err
	}
	defer closeToken()
	sequencing, stop := context.WithCancel(ctx)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return sequencer.Run(sequencing) })
	group.Go(func() error {
		defer stop()
		last, err := c.cards(ctx, store, sequencer, t)
		if err != nil {
			return err
		}
		_, err = sequencer.Await(ctx, last)
		return err
	})
	return group.Wait()
}

func (c *fillCmd) cards(ctx context.Context, store filledStore, sequencer *ca.Sequencer, t *template) (last int64, err error) {
	if c.Copy {
		return c.copyCards(ctx, store, sequencer, t)
	}
	return c.makeCards(ctx, store, t)
}

// sequencer opens the token for the log's key.
func (c *fillCmd) sequencer(ctx context.Context, store ca.LogStore) (_ *ca.Sequencer, closeToken func() error, err error) {
	h, err := hierarchy.Load(filepath.Join(c.Data, "hierarchy"))
	if err != nil {
		return nil, nil, err
	}
	soft, err := softhsm.Load(filepath.Join(c.Data, "token"))
	if err != nil {
		return nil, nil, err
	}
	if err := soft.Use(); err != nil {
		return nil, nil, err
	}
	quiet := slog.New(slog.DiscardHandler)
	token, err := hsm.Open(ctx, hsm.Config{URI: soft.URI(), Sessions: 2}, quiet)
	if err != nil {
		return nil, nil, err
	}
	key, err := token.Key(ctx, h.Log.KeyID)
	if err != nil {
		return nil, nil, errors.Join(err, token.Close())
	}
	saved := filepath.Join(c.Data, "checkpoint")
	seen, err := os.ReadFile(saved)
	if err != nil {
		return nil, nil, errors.Join(err, token.Close())
	}
	s, err := ca.NewSequencer(ca.SequencerConfig{Store: store, Name: h.Log.Name, Key: key, Standing: ca.Standing{ca.ForLog}, Seen: seen, Now: time.Now, Log: quiet,
		Save: func(checkpoint []byte) error { return os.WriteFile(saved, checkpoint, 0o600) }})
	return s, token.Close, err
}

// makeCards runs the workers between the opening and the closing of key sessions of their own, and gives the id of the last entry.
func (c *fillCmd) makeCards(ctx context.Context, store filledStore, t *template) (int64, error) {
	sessions, err := openFillSessions(ctx, store, t, c.Cards)
	if err != nil {
		return 0, err
	}
	var next atomic.Int64
	group, working := errgroup.WithContext(ctx)
	for range c.Workers {
		m := t.newMaker()
		group.Go(func() error {
			for n := next.Add(1); n <= c.Cards; n = next.Add(1) {
				if err := m.issue(working, store, n); err != nil {
					return fmt.Errorf("make card %d: %w", n, err)
				}
				if n%10_000 == 0 {
					fmt.Fprintf(os.Stderr, "siegel-bench: %d cards\n", n)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	return closeFillSessions(ctx, store, sessions)
}

// issue makes card number n and records it as a server does.
func (m *maker) issue(ctx context.Context, store ca.Store, n int64) error {
	card, err := m.make(n, time.Now().UTC().Truncate(time.Millisecond))
	if err != nil {
		return err
	}
	recorded, err := tlog.NewEntry(tlog.OrderRecorded, card.intent.At, "line-1", card.order, rawJSON(card.intent.OrderJSON))
	if err == nil {
		err = store.Intend(ctx, card.intent, recorded)
	}
	if err != nil {
		return err
	}
	issued, err := tlog.NewEntry(tlog.CardIssued, card.completion.At, "line-1", card.issued, nil)
	if err == nil {
		_, err = store.Complete(ctx, card.completion, issued)
	}
	return err
}

// rawJSON is written as it is.
type rawJSON []byte

// MarshalJSON gives the octets.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// openFillSessions records a key session for each issuer: an auditor looks for the one in which a card was made.
func openFillSessions(ctx context.Context, store ca.Store, t *template, cards int64) ([]tlog.SessionEndFacts, error) {
	var ends []tlog.SessionEndFacts
	perIssuer := map[string]int64{}
	for i := range t.certs {
		perIssuer[t.certs[i].Issuer]++
	}
	for issuer, n := range perIssuer {
		var id [16]byte
		rand.Read(id[:]) // never fails
		facts := tlog.SessionFacts{Session: hex.EncodeToString(id[:]), Issuer: issuer, Ends: tlog.Instant(time.Now().Add(72 * time.Hour)), Signatures: n * cards, Drawn: n * cards}
		if _, err := appendEntry(ctx, store, tlog.KeySessionOpened, facts); err != nil {
			return nil, err
		}
		ends = append(ends, tlog.SessionEndFacts{Session: facts.Session, Issuer: issuer, Reason: "server-stop", Signatures: facts.Signatures})
	}
	return ends, nil
}

// closeFillSessions ends them and gives the id of the last entry.
func closeFillSessions(ctx context.Context, store ca.Store, ends []tlog.SessionEndFacts) (id int64, err error) {
	for _, facts := range ends {
		if id, err = appendEntry(ctx, store, tlog.KeySessionClosed, facts); err != nil {
			return 0, err
		}
	}
	return id, nil
}

func appendEntry(ctx context.Context, store ca.Store, kind tlog.Kind, facts any) (int64, error) {
	entry, err := tlog.NewEntry(kind, time.Now(), "siegeld", facts, nil)
	if err != nil {
		return 0, err
	}
	return store.Append(ctx, entry)
}
