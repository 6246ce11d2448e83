package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// verifyCmd is `siegel verify`.
type verifyCmd struct {
	Dir   string   `arg:"" type:"existingdir" help:"Folder that --out wrote: of one card, or of many."`
	Trust []string `type:"existingfile" placeholder:"FILE" help:"Root certificates (X.509 or CVC) to trust. Without it the roots in each folder are trusted, which shows only that the folder is consistent."`
	At    string   `placeholder:"YYYY-MM-DD" help:"Day on which the certificates must be valid (default today, UTC)."`
}

// Help describes the JSON.
func (*verifyCmd) Help() string {
	return `--json prints one document:
  {"valid_on", "trust": "named" or "folder", "good", "cards": [...]}
with an element for each card:
  {"folder", "iccsn", "card_type", "certificates": [...], "faults": [of the card as a whole], "notes"}
and in it for each certificate:
  {"name", "file", "good", "no_dates", "chain": [the issuers above it], "faults"}`
}

// Run verifies every card below the folder, and says for each certificate what was found.
func (c *verifyCmd) Run(g *globals, t *terminal) error {
	at := time.Now().UTC()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.DateOnly, c.At); err != nil {
			return usageError(fmt.Errorf("--at %q is not a day like 2027-01-31", c.At))
		}
		at = at.Add(12 * time.Hour)
	}
	roots, err := c.roots(g, t)
	if err != nil {
		return err
	}
	folders, err := cardFolders(c.Dir)
	if err != nil {
		return err
	}
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	v := verification{ValidOn: at.Format(time.DateOnly), Trust: "named"}
	if len(c.Trust) == 0 {
		v.Trust = "folder"
	}
	known := newCatalogue(set)
	for _, dir := range folders {
		r := readFolder(dir).verify(known, roots, at)
		v.Cards = append(v.Cards, r)
		if !g.JSON {
			r.print(t)
		}
	}
	n := v.counts()
	v.Good = n.err() == nil
	if g.JSON {
		return errors.Join(t.jsonOf(v), n.err())
	}
	fmt.Fprintf(t.out, "checked: signatures, names and key identifiers, what each issuer may sign, terms inside the issuer's, valid on %s;\n"+
		"         that each certificate belongs into its slot, and all of them to one card\n", v.ValidOn)
	if v.Good {
		fmt.Fprintf(t.out, "%s: %s of %s\n", t.green("all good"), count(n.good, "certificate", "certificates"), count(len(folders), "card", "cards"))
	}
	return n.err()
}

// roots reads --trust. No roots at all means that those in the folders are trusted.
func (c *verifyCmd) roots(g *globals, t *terminal) (certificates, error) {
	var all certificates
	for _, name := range c.Trust {
		data, err := os.ReadFile(name)
		if err != nil {
			return all, usageError(err)
		}
		if err := all.parse(name, name, data); err != nil {
			return all, invalid(fmt.Errorf("%s: %w", name, err))
		}
	}
	if len(c.Trust) == 0 && !g.JSON {
		fmt.Fprintln(t.out, t.yellow("note: ")+"trusting the roots in the folder itself; --trust FILE names roots from elsewhere")
	}
	return all, nil
}

// certificates are what files hold, by format, each with the name of its file.
type certificates struct {
	x509    []named[*pkix.Certificate]
	cvc     []named[*cvc.Certificate]
	g1      []named[*cvc.G1Certificate]
	g1Roots []named[*cvc.G1CA]
}

// size is how many there are.
func (s *certificates) size() int { return len(s.x509) + len(s.cvc) + len(s.g1) + len(s.g1Roots) }

// named is a certificate, the name under which it is reported, and its file.
type named[T any] struct {
	name, file string
	cert       T
}

// parse adds the certificates of a file.
func (s *certificates) parse(name, file string, data []byte) error {
	if cvc.IsG1(data) || cvc.IsG1Root(data) {
		return s.parseG1(name, file, data)
	}
	if isCVC(data) {
		c, err := cvc.Parse(data)
		if err != nil {
			return err
		}
		s.cvc = append(s.cvc, named[*cvc.Certificate]{name, file, c})
		return nil
	}
	list, err := pkix.ParseCertificates(data)
	if err != nil {
		return err
	}
	for _, c := range list {
		s.x509 = append(s.x509, named[*pkix.Certificate]{name, file, c})
	}
	return nil
}

// cardFolders lists the folders at or below dir that hold a card: those with a folder of issuers.
func cardFolders(dir string) ([]string, error) {
	var folders []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == issuersDir {
			folders = append(folders, filepath.Dir(path))
			return fs.SkipDir
		}
		return err
	})
	if err != nil {
		return nil, usageError(fmt.Errorf("look for cards: %w", err))
	}
	if len(folders) == 0 {
		return nil, usageError(fmt.Errorf("no card in %s: no folder in it has a folder %q", dir, issuersDir))
	}
	return folders, nil
}

// folder is a card's folder.
type folder struct {
	dir      string
	card     certificates
	issuers  certificates
	manifest *manifest // nil where there is none
	// What could not be read, certificates and the rest.
	unreadable []named[error]
	faults     []error
}

// readFolder reads what it can.
func readFolder(dir string) *folder {
	f := &folder{dir: dir}
	f.readAll(&f.card, "", func(name string) bool { return !strings.HasPrefix(name, subCAPrefix) })
	f.readAll(&f.issuers, issuersDir, func(string) bool { return true })
	if f.card.size() == 0 {
		f.faults = append(f.faults, fmt.Errorf("%s holds no certificate", dir))
	}
	var err error
	if f.manifest, err = readManifest(dir); err != nil {
		f.faults = append(f.faults, err)
	}
	return f
}

// readAll parses those certificates of a folder whose name is wanted, in the order of their names. One that cannot be read does not hold up
// the others.
func (f *folder) readAll(s *certificates, sub string, wanted func(name string) bool) {
	entries, err := os.ReadDir(filepath.Join(f.dir, sub))
	if err != nil {
		f.faults = append(f.faults, err)
	}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if ext != extX509 && ext != extCVC || !wanted(e.Name()) {
			continue
		}
		// A batch names files as the card does.
		name, file := strings.TrimPrefix(strings.TrimSuffix(e.Name(), ext), efPrefix), filepath.Join(sub, e.Name())
		data, err := os.ReadFile(filepath.Join(f.dir, file))
		if err == nil {
			err = s.parse(name, filepath.ToSlash(file), data)
		}
		if err != nil {
			f.unreadable = append(f.unreadable, named[error]{name, filepath.ToSlash(file), err})
		}
	}
}

// verify checks every certificate of the folder, those of the issuers included, and then whether they make one card.
func (f *folder) verify(known *catalogue, trusted certificates, at time.Time) *cardReport {
	r := &cardReport{Folder: f.dir, ICCSN: filepath.Base(f.dir)}
	if trusted.size() == 0 {
		trusted = f.issuers
	}
	x := newX509Verifier(f.issuers.x509, trusted.x509, at)
	for _, c := range f.card.x509 {
		chain, err := x.verify(c.cert)
		known.checkX509(r, r.add(c.name, c.file, chain, err), c.cert)
	}
	for _, c := range f.issuers.x509 {
		chain, err := x.verify(c.cert)
		r.add(c.name, c.file, chain, err)
	}
	v := newCVCVerifier(f.issuers.cvc, trusted.cvc, at)
	for _, c := range f.card.cvc {
		chain, err := v.verifyCard(c.cert, r.ICCSN)
		known.checkCVC(r, r.add(c.name, c.file, chain, err), c.cert.CHR, c.cert.PublicKey)
	}
	for _, c := range f.issuers.cvc {
		chain, err := v.verify(c.cert)
		r.add(c.name, c.file, chain, err)
	}
	g := newG1Verifier(f.issuers.g1, trusted.g1Roots)
	for _, c := range f.card.g1 {
		chain, err := g.verifyCard(c.cert, r.ICCSN)
		found := r.add(c.name, c.file, chain, err)
		found.NoDates = true
		known.checkCVC(r, found, c.cert.CHR, nil) // it has no other key than RSA of 2048 bits
	}
	for _, c := range f.issuers.g1 {
		chain, err := g.verify(c.cert)
		r.add(c.name, c.file, chain, err).NoDates = true
	}
	for _, u := range f.unreadable {
		r.add(u.name, u.file, nil, fmt.Errorf("%s: %w", filepath.Join(f.dir, filepath.FromSlash(u.file)), u.cert))
	}
	for _, err := range f.faults {
		r.fault("%v", err)
	}
	known.checkTogether(r, &f.card)
	known.checkWhole(r, f.manifest)
	return r
}
