package hsm

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/hsm/quirks"
)

// Token is an open token. Its methods are safe for concurrent use.
type Token struct {
	pool   *p11.Pool
	module string
	family *quirks.Family
}

// Open loads the module, finds the token, logs in and opens the first session. It fails, and leaves nothing open, where the
// token is away: a program that starts should say so at once. The context reaches the PIN source; a module that hangs is not
// interrupted.
//
// Errors: *PINError (the PIN is wrong or locked: an operator must act), *Unavailable (the token does not answer), ErrNoToken,
// *Error (any other refusal of the token), or a plain error about the configuration.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Token, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	opt, err := cfg.options(log)
	if err != nil {
		return nil, err
	}
	t := &Token{module: opt.Module}
	opt.Adapt = func(info p11.Info, opt *p11.Options) (err error) {
		if t.family, err = cfg.family(info); err != nil {
			return err
		}
		return adapt(t.family, info, opt)
	}
	if t.pool, err = p11.Open(ctx, opt); err != nil {
		return nil, fmt.Errorf("open token %q: %w", opt.Match.Label, err)
	}
	return t, nil
}

// Ready tells why the token would not sign now, from what is known without asking it: nil, *Unavailable, *PINError or ErrClosed. It
// is cheap and meant for health checks.
func (t *Token) Ready() error { return t.pool.Ready() }

// Close gives the sessions back and, with the last Token of a module, finalizes the module. It waits for calls that are
// running and ends the healing of a broken token. It may be called more than once.
func (t *Token) Close() error { return t.pool.Close() }

// Use lends a session to a package below hsm, which alone can name its type: see p11.Pool.Use.
func (t *Token) Use(ctx context.Context, prepare, act func(*p11.Session) error) error {
	return t.pool.Use(ctx, prepare, act)
}

// Family is what is known of the token's maker.
func (t *Token) Family() *quirks.Family { return t.family }

// Stats gives the counters of the token's sessions.
func (t *Token) Stats() Stats { return t.pool.Stats() }

// Info is what a token says about itself (CK_TOKEN_INFO, CK_INFO): for the ceremony record and for a person who looks for a
// fault.
type Info struct {
	Module       string   // path of the module
	Library      string   // description and version of the module, for example "Implementation of PKCS11 2.6"
	SlotID       uint     // slot that holds the token; may change when the module is initialized again
	Label        string   // CK_TOKEN_INFO.label
	Manufacturer string   // CK_TOKEN_INFO.manufacturerID
	Model        string   // CK_TOKEN_INFO.model
	Serial       string   // CK_TOKEN_INFO.serialNumber
	Hardware     string   // hardware version, major.minor
	Firmware     string   // firmware version, major.minor
	MaxSessions  uint     // CK_TOKEN_INFO.ulMaxSessionCount; 0: no limit, or the token does not say
	Sessions     int      // greatest number of sessions that this Token uses
	Family       string   // family of tokens whose quirks are kept (package quirks)
	Mechanisms   []string // mechanism names, CKM_…, in the order of their numbers
}

// Info gives what the token said about itself when it was opened.
func (t *Token) Info() Info {
	info := t.pool.Info()
	token := info.Token
	names := make([]string, len(info.Mechanisms))
	for i, m := range info.Mechanisms {
		names[i] = p11.MechanismName(m)
	}
	limit := token.MaxSessionCount
	if limit == pkcs11.CK_UNAVAILABLE_INFORMATION {
		limit = 0
	}
	return Info{
		Module:       filepath.Clean(t.module),
		Library:      info.Module.LibraryDescription + " " + version(info.Module.LibraryVersion),
		SlotID:       info.Slot,
		Label:        token.Label,
		Manufacturer: token.ManufacturerID,
		Model:        token.Model,
		Serial:       token.SerialNumber,
		Hardware:     version(token.HardwareVersion),
		Firmware:     version(token.FirmwareVersion),
		MaxSessions:  limit,
		Sessions:     info.Sessions,
		Family:       t.family.Name,
		Mechanisms:   names,
	}
}

func version(v pkcs11.Version) string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
