package hsm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"go.step.sm/crypto/kms/uri"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
)

// Config says which token to use and how. The zero value is not usable: URI is needed.
type Config struct {
	// URI names the token (RFC 7512), for example
	//
	//	pkcs11:token=siegel-1;serial=0123?module-path=/usr/lib/softhsm/libsofthsm2.so
	//
	// module-path is needed. token (the label), serial, manufacturer, model and slot-id narrow the choice of token; exactly
	// one must remain. pin-source (a file) serves where PIN is nil. pin-value is refused: a PIN does not belong into a
	// configuration.
	URI string

	// PIN gives the user PIN. It is asked at each login, so that a PIN that was changed is picked up. Where it is nil, the URI's
	// pin-source is read.
	PIN PINSource

	// Sessions is the greatest number of sessions, and so of signatures made at the same time. 0 means one more than there are CPUs,
	// which is right for a token in software: one begins when another ends, and still more would only make each of them, and an urgent one,
	// wait longer. An HSM of its own wants as many as it works on at a time.
	// It is capped by what the token says it has (CK_TOKEN_INFO.ulMaxSessionCount).
	Sessions int

	// ReadWrite opens sessions in which the token creates key pairs. Only the ceremony program sets it.
	ReadWrite bool

	// Latch is a directory in which a refused PIN is noted, for the next start of the program. As long as the note is there, no PIN
	// is sent to the token. Where it is empty, nothing is noted.
	Latch string

	// Reserved is handed to C_Initialize as CK_C_INITIALIZE_ARGS.pReserved, for modules that read their parameters from it. Where
	// several tokens share a module, that of the first counts.
	Reserved string

	// Quirks is a family of tokens, or the path of a file that describes one, with a slash in it (package quirks). Where it is empty, the
	// family follows from what the token and its module say.
	Quirks string
}

// maxSessions bounds Config.Sessions: more is a slip of the pen, not a token.
const maxSessions = 1024

// attributes are those of RFC 7512, Section 2.3, that name a token, and slot-id. Any other is refused: a misspelt one would be
// ignored and the wrong token used.
var attributes = []string{"token", "serial", "manufacturer", "model", "slot-id", "module-path", "pin-source"}

// options turns a Config into what the pool needs.
func (cfg Config) options(log *slog.Logger) (p11.Options, error) {
	where, pinFile, err := parseURI(cfg.URI)
	if err != nil {
		return p11.Options{}, fmt.Errorf("token URI: %w", err)
	}
	pin := cfg.PIN
	if pin == nil && pinFile != "" {
		pin = PINFromFile(pinFile)
	}
	if pin == nil {
		return p11.Options{}, errors.New("no source for the PIN: give one, or pin-source in the token URI")
	}
	n := cfg.Sessions
	if n == 0 {
		n = runtime.NumCPU() + 1
	}
	if n < 1 || n > maxSessions {
		return p11.Options{}, fmt.Errorf("%d sessions, want 1 to %d", n, maxSessions)
	}
	where.PIN = func(ctx context.Context) ([]byte, error) { return pin(ctx) }
	where.Sessions, where.ReadWrite, where.Log = n, cfg.ReadWrite, log
	where.Reserved = cfg.Reserved
	if cfg.Latch != "" {
		where.Latch = latch{cfg.Latch}
	}
	return where, nil
}

// parseURI reads an RFC 7512 URI: the options that it sets, and the path of its pin-source. No error repeats the URI or the
// parser's error, which may hold a PIN by mistake.
func parseURI(text string) (opt p11.Options, pinFile string, err error) {
	// The parser takes + for a space, as forms have it; in RFC 7512 it stands for itself.
	u, err := uri.ParseWithScheme("pkcs11", strings.ReplaceAll(text, "+", "%2B"))
	if err == nil { // it drops what is malformed behind the question mark
		_, err = url.ParseQuery(u.RawQuery)
	}
	if err != nil || u.Fragment != "" {
		return opt, "", errors.New("not a pkcs11: URI (RFC 7512)")
	}
	if u.Has("pin-value") {
		return opt, "", errors.New("pin-value is not accepted: use pin-source, or another source of the PIN")
	}
	for name := range uri.Values(u) {
		if !slices.Contains(attributes, name) {
			return opt, "", fmt.Errorf("attribute %q is not known; the known ones are %s", name, strings.Join(attributes, ", "))
		}
	}
	opt.Module = u.Get("module-path")
	if opt.Module == "" {
		return opt, "", errors.New("module-path is missing")
	}
	opt.Match = p11.Match{Label: u.Get("token"), Serial: u.Get("serial"), Manufacturer: u.Get("manufacturer"), Model: u.Get("model")}
	if id := u.Get("slot-id"); id != "" {
		n, err := strconv.ParseUint(id, 10, 0)
		if err != nil {
			return opt, "", errors.New("slot-id is not a number")
		}
		slot := uint(n)
		opt.Match.Slot = &slot
	}
	return opt, strings.TrimPrefix(u.Get("pin-source"), "file:"), nil
}
