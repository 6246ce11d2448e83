package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// verifyCmd is `siegel verify`.
type verifyCmd struct {
	Dir   string   `arg:"" type:"existingdir" help:"Folder that --out wrote: of one card, or of many."`
	Trust []string `type:"existingfile" placeholder:"FILE" help:"Root certificates (X.509 or CVC) to trust. Without it the roots in each folder are trusted, which shows only that the folder is consistent."`
	At    string   `placeholder:"YYYY-MM-DD" help:"Day on which the certificates must be valid (default today, UTC)."`
}

// Run verifies every card below the folder, and says for each certificate what was found.
func (c *verifyCmd) Run(t *terminal) error {
	at := time.Now().UTC()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.DateOnly, c.At); err != nil {
			return usageError(fmt.Errorf("--at %q is not a day like 2027-01-31", c.At))
		}
		at = at.Add(12 * time.Hour)
	}
	roots, err := c.roots(t)
	if err != nil {
		return err
	}
	folders, err := cardFolders(c.Dir)
	if err != nil {
		return err
	}
	var total tally
	for _, dir := range folders {
		f, err := readFolder(dir)
		if err != nil {
			return invalid(err)
		}
		total.add(f.verify(t, roots, at))
	}
	fmt.Fprintf(t.out, "checked: signatures, names and key identifiers, what each issuer may sign, terms inside the issuer's, valid on %s\n",
		at.Format(time.DateOnly))
	if total.bad > 0 {
		return invalid(fmt.Errorf("%s not verify", count(total.bad, "certificate does", "certificates do")))
	}
	fmt.Fprintf(t.out, "%s: %s of %s\n", t.green("all good"), count(total.good, "certificate", "certificates"), count(len(folders), "card", "cards"))
	return nil
}

// tally counts certificates.
type tally struct{ good, bad int }

func (n *tally) add(m tally) { n.good, n.bad = n.good+m.good, n.bad+m.bad }

// roots reads --trust. No roots at all means that those in the folders are trusted.
func (c *verifyCmd) roots(t *terminal) (certificates, error) {
	var all certificates
	for _, name := range c.Trust {
		data, err := os.ReadFile(name)
		if err != nil {
			return all, usageError(err)
		}
		if err := all.parse(name, data); err != nil {
			return all, invalid(err)
		}
	}
	if len(c.Trust) == 0 {
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

// named is a certificate and the name under which it is reported.
type named[T any] struct {
	name string
	cert T
}

// parse adds the certificates of a file.
func (s *certificates) parse(name string, data []byte) error {
	if cvc.IsG1(data) || cvc.IsG1Root(data) {
		return s.parseG1(name, data)
	}
	if isCVC(data) {
		c, err := cvc.Parse(data)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.cvc = append(s.cvc, named[*cvc.Certificate]{name, c})
		return nil
	}
	list, err := pkix.ParseCertificates(data)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, c := range list {
		s.x509 = append(s.x509, named[*pkix.Certificate]{name, c})
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
	dir     string
	card    certificates
	issuers certificates
}

func readFolder(dir string) (*folder, error) {
	f := &folder{dir: dir}
	err := errors.Join(f.card.readAll(dir), f.issuers.readAll(filepath.Join(dir, issuersDir)))
	if err == nil && f.card.size() == 0 {
		err = fmt.Errorf("%s holds no certificate", dir)
	}
	return f, err
}

// readAll parses the certificates of a folder in the order of their names.
func (s *certificates) readAll(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read a folder of certificates: %w", err)
	}
	var errs []error
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if ext != extX509 && ext != extCVC {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err == nil {
			err = s.parse(strings.TrimSuffix(e.Name(), ext), data)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// verify checks every certificate of the folder, those of the issuers included, and prints a line for each.
func (f *folder) verify(t *terminal, trusted certificates, at time.Time) tally {
	fmt.Fprintln(t.out, t.bold("card "+filepath.Base(f.dir)))
	var n tally
	report := func(name string, chain []string, err error) {
		if err != nil {
			n.bad++
			fmt.Fprintf(t.out, "  %s  %s: %v\n", t.red("BAD "), name, err)
			return
		}
		n.good++
		fmt.Fprintf(t.out, "  %s  %s\n", t.green("good"), strings.Join(append([]string{name}, chain...), " ← "))
	}
	if trusted.size() == 0 {
		trusted = f.issuers
	}
	x := newX509Verifier(f.issuers.x509, trusted.x509, at)
	for _, c := range slices.Concat(f.card.x509, f.issuers.x509) {
		chain, err := x.verify(c.cert)
		report(c.name, chain, err)
	}
	v := newCVCVerifier(f.issuers.cvc, trusted.cvc, at)
	for _, c := range f.card.cvc {
		chain, err := v.verifyCard(c.cert, filepath.Base(f.dir))
		report(c.name, chain, err)
	}
	for _, c := range f.issuers.cvc {
		chain, err := v.verify(c.cert)
		report(c.name, chain, err)
	}
	g := newG1Verifier(f.issuers.g1, trusted.g1Roots)
	for _, c := range f.card.g1 {
		chain, err := g.verifyCard(c.cert, filepath.Base(f.dir))
		report(c.name+noDates, chain, err)
	}
	for _, c := range f.issuers.g1 {
		chain, err := g.verify(c.cert)
		report(c.name+noDates, chain, err)
	}
	return n
}
