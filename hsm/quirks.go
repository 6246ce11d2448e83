package hsm

import (
	"fmt"
	"strings"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/hsm/quirks"
)

// family gives what is known of the token's maker: the family that the configuration names or describes, or the one that token and
// module say they belong to.
func (cfg Config) family(info p11.Info) (*quirks.Family, error) {
	if strings.ContainsRune(cfg.Quirks, '/') {
		return quirks.Load(cfg.Quirks)
	}
	families, err := quirks.Builtin()
	if err != nil {
		return nil, err
	}
	if cfg.Quirks == "" {
		return quirks.Of(families, info.Token.ManufacturerID, info.Module.ManufacturerID), nil
	}
	if f := families[cfg.Quirks]; f != nil {
		return f, nil
	}
	return nil, fmt.Errorf("quirks: there is no family %q of tokens, and a file has a slash in its path", cfg.Quirks)
}

// departures lists what a private key is or is not, against what the template of a key pair asks for.
func departures(f *quirks.Family, a Attributes, token bool) []string {
	if f.Has(quirks.NoLocal) {
		a.Local = true
	}
	return a.Departures(token)
}

// adapt sets what the families of token and module change in the pool.
func adapt(f *quirks.Family, info p11.Info, opt *p11.Options) error {
	families, err := quirks.Builtin()
	if err != nil {
		return err
	}
	if f.Has(quirks.OneSession) || quirks.Of(families, info.Module.ManufacturerID, "").Has(quirks.OneSession) {
		opt.Sessions = 1
	}
	for _, name := range f.Codes() {
		code, ok := p11.Code(name)
		if !ok {
			return fmt.Errorf("quirks of %s: %q is no return value of PKCS#11", f.Name, name)
		}
		opt.SessionLimit = append(opt.SessionLimit, code)
	}
	return nil
}
