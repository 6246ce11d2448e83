package ca

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// Config is what an Authority is made of. All fields are mandatory unless they say otherwise.
type Config struct {
	Store    Store
	Profiles *profiles.Set
	// Issuers are the issuers and the roots above them. Of several that are bound to the same profile, the newest valid one
	// signs, from its OrdersFrom on: list them oldest first.
	Issuers     []Issuer
	Environment profiles.Environment
	// LegacyExceptions are the exceptions to the algorithm policy that the operator grants, by name; nil for none. The log says so.
	LegacyExceptions []string
	// TSPID are the two digits that gematik gave the provider (gemSpec_PKI, Tab_PKI_109).
	TSPID string
	// KeySession bounds key sessions: those that operators ask for have at most these, those that a server opens alone exactly these.
	KeySession SessionBounds
	// OpensAlone says that the server opens key sessions by itself, whenever it needs one. It is for environment test only.
	OpensAlone bool
	// Standing names what keys sign without such a session.
	Standing Standing
	// ApprovalTime is how long a request may wait to be approved and done.
	ApprovalTime time.Duration
	// ConfigHash is the SHA-256 of the server's configuration, for the log; nil where there is none.
	ConfigHash []byte
	// OperatorsHash is the SHA-256 of the operator file, for the log; nil where there is none.
	OperatorsHash []byte
	// SignAtOnce is how many certificates are signed at a time: as many as the token has sessions. 0: as many as there are.
	SignAtOnce int
	// Now gives the time of a trusted clock.
	Now func() time.Time
	Log *slog.Logger
}

// Authority turns orders into cards: see the package comment for the road. New makes it, Start opens it, Close ends it. All
// methods are safe for concurrent use.
//
// One Authority serves one Store; several servers may have Stores on one database. An open attempt that neither the Authority itself
// runs nor, as the Store knows, another server that lives (OpenAttempt.Elsewhere) is dead and is abandoned. Where the Store is wrong
// about that, time is lost and no promise: an abandoned attempt cannot complete.
type Authority struct {
	// Set by New, read only.
	store    Store
	profiles *profiles.Set
	issuers  map[string]*issuer // by name
	public   []*profiles.Issuer // as configured
	unbound  []string
	config   Config
	acts     map[ActKind]act
	turns    *turns        // to sign
	bulkWake chan struct{} // of one place

	known   knownIssuers
	flights flights
	started atomic.Bool           // Start has done its work
	rules   atomic.Pointer[rules] // what approved acts make of the configuration; those of a database without any before Start

	stuck map[ApprovalID]bool // acts that could not be done, and that the log was told of; owned by Start, then by Run
}

// issuer is an Issuer that may sign, with what the door needs of it.
type issuer struct {
	Issuer
	verify verify // with the key of the issuer's certificate

	sessionMu sync.Mutex  // guards what follows
	session   *keySession // nil where this server has drawn from none that is open
	opened    bool        // a session was open when the server last looked
}

// tspID is the form of Tab_PKI_109.
var tspID = regexp.MustCompile(`^[0-9]{2}$`)

// systemActor is named in entries that no operator caused.
const systemActor = "siegeld"

// New checks the configuration completely and makes an Authority. It reads no database and uses no key.
//
// It is an error if the server alone would open key sessions in environment production; if two issuers have one name, or the issuer above one is missing; if an
// issuer that may sign has no key, or one that is not the key of its certificate, or is outside its validity, or is bound to a profile
// that does not exist or belongs to issuers of another kind; if an issuer or a root is one of another environment, or its certificate is not one of
// its kind, as lint knows it; if the algorithm policy has no exception of a name. All of it is reported at once. A profile that no issuer is bound to
// is no error, since a provider may serve one key generation only: see Unbound.
func New(cfg Config) (*Authority, error) {
	if err := errors.Join(cfg.check(), cfg.checkIssuers()); err != nil {
		return nil, fmt.Errorf("configuration of the authority: %w", err)
	}
	a := &Authority{
		store: cfg.Store, profiles: cfg.Profiles, config: cfg, issuers: map[string]*issuer{}, stuck: map[ApprovalID]bool{},
		flights: flights{running: map[string]*flight{}}, turns: newTurns(cfg.SignAtOnce),
	}
	for i := range cfg.Issuers {
		iss := cfg.Issuers[i]
		a.public = append(a.public, iss.Issuer)
		if iss.Key != nil && len(iss.Profiles) > 0 {
			a.issuers[iss.Name] = &issuer{Issuer: iss, verify: verifier(iss.PublicKey())}
		}
	}
	a.unbound = unbound(cfg.Profiles, cfg.Issuers)
	a.bulkWake = make(chan struct{}, 1)
	a.acts = newActs(a.openKeySessions(), a.importIssuer(), a.retireIssuer(), a.grantLegacyException(), a.bulkRevocation())
	none, err := a.newRules(nil)
	a.rules.Store(none)
	return a, err
}

// check looks at everything but the issuers.
func (cfg *Config) check() error {
	var errs []error
	if cfg.SignAtOnce < 0 {
		errs = append(errs, errors.New("less than no certificate cannot be signed at a time"))
	}
	if cfg.Store == nil || cfg.Profiles == nil || cfg.Now == nil || cfg.Log == nil {
		errs = append(errs, errors.New("store, profiles, clock and logger are mandatory"))
	}
	if cfg.KeySession.Signatures <= 0 || cfg.KeySession.Lifetime < time.Second {
		errs = append(errs, errors.New("a key session needs a number of signatures above zero and a lifetime of a second or more"))
	}
	switch {
	case cfg.Environment != profiles.Test && cfg.Environment != profiles.Production:
		errs = append(errs, fmt.Errorf("environment is %q, want %q or %q", cfg.Environment, profiles.Test, profiles.Production))
	case cfg.Environment == profiles.Production && cfg.OpensAlone:
		errs = append(errs, errors.New("in environment production two people open a key session, never the server alone"))
	}
	if cfg.Profiles != nil {
		errs = append(errs, cfg.Profiles.Policy().CheckExceptions(cfg.LegacyExceptions))
	}
	errs = append(errs, cfg.Standing.check())
	if cfg.ApprovalTime <= 0 {
		errs = append(errs, errors.New("a request needs a time above zero in which it can be approved"))
	}
	if !tspID.MatchString(cfg.TSPID) {
		errs = append(errs, fmt.Errorf("TSP-ID is %q, want two digits (gemSpec_PKI, Tab_PKI_109)", cfg.TSPID))
	}
	return errors.Join(errs...)
}

// checkIssuers looks at every issuer and reports all that is wrong.
func (cfg *Config) checkIssuers() error {
	if cfg.Profiles == nil || cfg.Now == nil {
		return nil // check has spoken
	}
	byName := map[string]*profiles.Issuer{}
	var errs []error
	for _, iss := range cfg.Issuers {
		if byName[iss.Name] != nil {
			errs = append(errs, fmt.Errorf("two issuers are named %q", iss.Name))
		}
		byName[iss.Name] = iss.Issuer
	}
	for _, iss := range cfg.Issuers {
		if above := byName[iss.IssuedBy]; above == nil {
			errs = append(errs, fmt.Errorf("issuer %q: the issuer above it, %q, is missing", iss.Name, iss.IssuedBy))
		} else if err := cfg.checkKind(iss.Issuer, above); err != nil {
			errs = append(errs, fmt.Errorf("issuer %q: %w", iss.Name, err))
		}
		if err := errors.Join(iss.CheckEnvironment(cfg.Environment), iss.checkSigning(cfg.Profiles, cfg.Now())); err != nil {
			errs = append(errs, fmt.Errorf("issuer %q: %w", iss.Name, err))
		}
	}
	return errors.Join(errs...)
}

// checkSigning looks at what an issuer needs to sign with. Those without profiles do not sign here.
func (i *Issuer) checkSigning(set *profiles.Set, now time.Time) error {
	if len(i.Profiles) == 0 {
		return nil
	}
	if i.Key == nil {
		return errors.New("it is bound to profiles and has no key")
	}
	if !sameKey(i.Key.Public(), i.PublicKey()) {
		return errors.New("its key in the token is not the key of its certificate")
	}
	if from, to, limited := i.Validity(); limited && (now.Before(from) || now.After(to)) {
		return fmt.Errorf("its certificate is valid from %s to %s only; take its profiles away from it",
			from.Format(time.DateTime), to.Format(time.DateTime))
	}
	for _, name := range i.Profiles {
		kind, ok := set.IssuerKind(name)
		if !ok {
			return fmt.Errorf("it is bound to profile %q, which does not exist", name)
		}
		if kind != i.Kind {
			return fmt.Errorf("it is a %s and bound to profile %q, which a %s signs", i.Kind, name, kind)
		}
	}
	return nil
}

// sameKey compares public keys of one type. Every key type of this project has Equal.
func sameKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && b != nil && k.Equal(b)
}

// endOfDay gives the last second of the day that begins at t.
func endOfDay(t time.Time) time.Time { return t.Add(24*time.Hour - time.Second) }

// unbound lists what the card types need and no issuer is bound to.
func unbound(set *profiles.Set, issuers []Issuer) []string {
	var missing []string
	for _, card := range set.CardTypes() {
		for _, slot := range card.Slots {
			bound := slices.ContainsFunc(issuers, func(i Issuer) bool {
				return slices.Contains(i.Profiles, slot.Profile) && i.KeyType.Generation() == slot.Key.Generation()
			})
			if need := fmt.Sprintf("%s (%s)", slot.Profile, slot.Key.Generation()); !bound && !slices.Contains(missing, need) {
				missing = append(missing, need)
			}
		}
	}
	slices.Sort(missing)
	return missing
}

// Start records the start of the server, makes its issuers known to the database, abandons the attempts that a dead process left open,
// and opens a key session for each issuer key. Issue signs nothing before. Where it fails, it may be called again.
//
// It is an error, and nothing is recorded, where the database knows a configured issuer as another (ErrIssuerDiffers), or where cards of
// the database depend on an issuer that is not configured. The text tells the operator what to do.
func (a *Authority) Start(ctx context.Context) error {
	if len(a.unbound) > 0 {
		a.config.Log.Warn("no issuer is bound to some profiles; orders that need them are refused", "profiles", a.unbound)
	}
	known, err := a.readIssuers(ctx)
	if err != nil {
		return err
	}
	if err := a.readRules(ctx); err != nil {
		return err
	}
	if err := errors.Join(a.checkKnown(known), a.checkImported(known)); err != nil {
		return err
	}
	a.warnUngranted()
	if err := a.append(ctx, tlog.ServerStarted, a.startFacts()); err != nil {
		return err
	}
	if err := a.addIssuers(ctx, known); err != nil {
		return err
	}
	if err := a.Recover(ctx); err != nil {
		return err
	}
	if err := a.closeLeftSessions(ctx); err != nil {
		return err
	}
	if err := a.openSessionsAlone(ctx); err != nil {
		return err
	}
	a.started.Store(true)
	return a.watch(ctx)
}

// OperatorsLoaded records that this server follows another operator file, before it does.
func (a *Authority) OperatorsLoaded(ctx context.Context, sum [32]byte, operators int) error {
	return a.append(ctx, tlog.OperatorsLoaded, tlog.OperatorsFacts{OperatorsSHA256: hex.EncodeToString(sum[:]), Operators: operators})
}

// Recover abandons every open attempt in the store that no other living server runs, each with its entry. Start calls it, before the
// first order.
func (a *Authority) Recover(ctx context.Context) error {
	open, err := a.store.OpenAttempts(ctx)
	if err != nil {
		return storeFailure("list open attempts", err)
	}
	for _, attempt := range open {
		if attempt.Elsewhere {
			continue
		}
		if err := a.abandon(ctx, systemActor, attempt, reasonDied); err != nil {
			return err
		}
		a.config.Log.Info("abandoned an attempt of a dead process", "attempt", attempt.ID, "order", attempt.OrderID)
	}
	return nil
}

// Close refuses new orders, waits for the attempts under way to end or, when ctx ends first, cancels them and waits for their
// clean-up. Then it closes the key sessions, with their entries. It may be called more than once.
func (a *Authority) Close(ctx context.Context) error {
	err := a.flights.close(ctx)
	clean, cancel := cleanUp(ctx)
	defer cancel()
	return errors.Join(err, a.leaveSessions(clean))
}

// Ready tells why orders would be answered "unavailable" now, as far as is known without trying: no key session is open, or a
// token is away. nil means that nothing is known to be wrong.
func (a *Authority) Ready() error {
	if !a.started.Load() {
		return errNotStarted
	}
	return a.eachSession(func(iss *issuer) error {
		if a.rules.Load().retired[iss.Name] {
			return nil
		}
		if iss.session == nil && !iss.opened {
			return &NoSessionError{iss.Name}
		}
		if err := iss.Key.Ready(); err != nil {
			return fmt.Errorf("issuer %q: %w", iss.Name, err)
		}
		return nil
	})
}

// Unbound lists the profiles that a card type of the catalogue needs and no issuer is bound to, each with the key generation
// that is missing, for example "C.HCI.AUT (RSA)", in alphabetical order. The planner refuses orders that need them.
func (a *Authority) Unbound() []string { return slices.Clone(a.unbound) }

// Issuers lists the public side of the issuers and roots, as configured. Callers must not change what it points to.
func (a *Authority) Issuers() []*profiles.Issuer { return slices.Clone(a.public) }

// Catalogue is the catalogue in force.
func (a *Authority) Catalogue() *profiles.Set { return a.profiles }

// Card gives an issued card by its ICCSN. The error is ErrNotFound where there is none.
func (a *Authority) Card(ctx context.Context, iccsn string) (*Card, error) {
	card, err := a.store.Card(ctx, iccsn)
	if err != nil {
		return nil, readFailure("read a card", err)
	}
	return card, nil
}

// CardByOrder gives the card of a completed order. The error is ErrNotFound where the order is unknown or not complete.
func (a *Authority) CardByOrder(ctx context.Context, orderID string) (*Card, error) {
	state, err := a.store.Order(ctx, orderID)
	if err != nil {
		return nil, readFailure("read an order", err)
	}
	if state.Card == nil {
		return nil, fmt.Errorf("card of the order: %w", ErrNotFound)
	}
	return state.Card, nil
}

// Cards lists issued cards by ascending number, those after the given number, at most limit.
func (a *Authority) Cards(ctx context.Context, after int64, limit int) ([]CardSummary, error) {
	cards, err := a.store.Cards(ctx, after, limit)
	if err != nil {
		return nil, readFailure("list cards", err)
	}
	return cards, nil
}

// readFailure classifies an error of a reading verb.
func readFailure(doing string, err error) error {
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return storeFailure(doing, err)
}

// now is the time for the records: UTC, millisecond precision.
func (a *Authority) now() time.Time { return a.config.Now().UTC().Truncate(time.Millisecond) }
