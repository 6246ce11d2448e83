package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The form in which a batch leaves a card for the personalization system, as a folder or as a ZIP file of it:
//
//	DIR/ICCSN/EF.SLOT.der         elementary file of an X.509 certificate: what is written into EF.SLOT, octet for octet
//	DIR/ICCSN/EF.SLOT.cvc         elementary file of a CV certificate
//	DIR/ICCSN/EF.C.CA_SMC.CS.*    the certificate of the CVC sub-CA, which the card carries too
//	DIR/ICCSN/issuers/            issuers and roots, as siegel issue --out writes them
//	DIR/ICCSN/card.json           manifest: each file with its SHA-256 and, where the specification names them, its place on the card
//
// A renewal is DIR/ICCSN.renewal-N.

// cardFile is the place of an elementary file on a card.
type cardFile struct {
	Folder string `json:"folder"` // MF or DF.ESIGN
	FID    string `json:"fid"`    // file identifier, four hex digits
	SFI    string `json:"sfi"`    // short file identifier, two hex digits
}

// cardFilePlaces are those of the object systems of an SMC-B (gemSpec_SMC-B_ObjSys_G2.1 5.0.0, Card-G2-A_2160-02, 2163-01, 2169-01, 2204-01,
// 2207-01, 2210-02, 3652-01, 3654-01, 3656-01; 4.2.0, Card-G2-A_2159, 2162). The object systems of device cards are not among the sources.
var cardFilePlaces = map[string]cardFile{
	"C.CA_SMC.CS.R2048":       {"MF", "2F04", "04"},
	"C.CA_SMC.CS.E256":        {"MF", "2F07", "07"},
	"C.SMC.AUTR_CVC.R2048":    {"MF", "2F03", "03"},
	"C.SMC.AUTR_CVC.E256":     {"MF", "2F06", "06"},
	"C.SMC.AUTD_RPE_CVC.E256": {"MF", "2F09", "09"},
	"C.HCI.OSIG.R2048":        {"DF.ESIGN", "C000", "10"},
	"C.HCI.AUT.R2048":         {"DF.ESIGN", "C500", "01"},
	"C.HCI.ENC.R2048":         {"DF.ESIGN", "C200", "02"},
	"C.HCI.OSIG.E256":         {"DF.ESIGN", "C007", "07"},
	"C.HCI.AUT.E256":          {"DF.ESIGN", "C506", "06"},
	"C.HCI.ENC.E256":          {"DF.ESIGN", "C205", "05"},
}

// efPrefix begins the name of an elementary file, subCAPrefix that of one with the certificate of a sub-CA.
const (
	efPrefix    = "EF."
	subCAPrefix = efPrefix + "C.CA_"
)

// personalizationFiles lists the files of a card as the personalization system loads them.
func personalizationFiles(card *siegelv1.Card) ([]file, error) {
	files, err := cardFiles(card)
	if err != nil {
		return nil, err
	}
	files = files[:len(files)-1] // the manifest is made anew
	slots := len(card.GetCertificates())
	for i := range files[:slots] {
		files[i].name = efPrefix + files[i].name
	}
	all := append([]file{}, files[:slots]...)
	var onCard []file
	for _, sub := range subCAs(card) {
		onCard = append(onCard, file{efPrefix + sub.slot + extCVC, sub.data})
	}
	all = append(append(all, onCard...), files[slots:]...)
	m := manifestOf(card, all)
	for i := range m.Slots {
		m.Slots[i].place()
	}
	// What stands first among the issuers' files belongs onto the card.
	for i, sub := range subCAs(card) {
		s := manifestSlot{Slot: sub.slot, manifestEntry: m.Issuers[i]}
		s.place()
		m.OnCard = append(m.OnCard, s)
	}
	m.Issuers = m.Issuers[len(onCard):]
	text, err := m.encode()
	return append(all, file{manifestFile, text}), err
}

// place says where on the card a file belongs, where that is known.
func (s *manifestSlot) place() {
	if at, known := cardFilePlaces[s.Slot]; known {
		s.Place = &at
	}
}

// subCA is the certificate of a CVC sub-CA that the card carries.
type subCA struct {
	slot string
	data []byte
}

// subCAs finds the certificate of the sub-CA that signed the card's CV certificates, of each generation. An institution card carries them; of
// other cards the file is not known.
func subCAs(card *siegelv1.Card) (list []subCA) {
	for _, generation := range []string{"R2048", "E256"} {
		signer := ""
		for _, c := range card.GetCertificates() {
			if c.GetFormat() == siegelv1.Format_FORMAT_CVC && strings.HasPrefix(card.GetCardType(), "smcb-") && strings.HasSuffix(c.GetSlot(), "."+generation) {
				signer = c.GetIssuer()
			}
		}
		for _, i := range card.GetIssuers() {
			if signer != "" && i.GetName() == signer {
				list = append(list, subCA{"C.CA_SMC.CS." + generation, i.GetData()})
			}
		}
	}
	return list
}

// cardName is the name of a card's folder.
func cardName(card *siegelv1.Card) string {
	if card.GetRenews() == "" {
		return card.GetIccsn()
	}
	return fmt.Sprintf("%s.renewal-%d", card.GetIccsn(), card.GetRenewal())
}

// cardWriter leaves cards for the personalization system. Safe for concurrent use.
type cardWriter struct {
	dir    string
	zip    bool
	prefix string // begins the names of folders that are being written, until they are moved to their place
}

// newCardWriter prepares a folder and removes what an earlier run with the same name left half written.
func newCardWriter(dir, run string, zip bool) (*cardWriter, error) {
	w := &cardWriter{dir, zip, ".part-" + run + "-"}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the output folder: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, w.prefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("look for what was left half written: %w", err)
	}
	for _, l := range left {
		if err := os.RemoveAll(l); err != nil {
			return nil, fmt.Errorf("remove what was left half written: %w", err)
		}
	}
	return w, nil
}

// write writes a card and gives the name of its folder or ZIP file. The card is there as a whole or not at all, and when the call returns it
// is on the disk. One that is there already must hold the same octets.
func (w *cardWriter) write(card *siegelv1.Card) (string, error) {
	files, err := personalizationFiles(card)
	if err != nil {
		return "", err
	}
	name := cardName(card)
	if !w.zip {
		return name, w.folder(name, files)
	}
	octets, err := zipOf(name, files, card.GetIssuedAt().AsTime())
	if err != nil {
		return "", err
	}
	name += ".zip"
	return name, errors.Join(writeOnce(filepath.Join(w.dir, name), octets), syncFile(w.dir))
}

// folder writes a folder beside its place and moves it there.
func (w *cardWriter) folder(name string, files []file) error {
	place := filepath.Join(w.dir, name)
	temp, err := os.MkdirTemp(w.dir, w.prefix)
	if err != nil {
		return fmt.Errorf("make the folder of a card: %w", err)
	}
	defer os.RemoveAll(temp) // nothing is there any more where it was moved
	if err := os.Mkdir(filepath.Join(temp, issuersDir), 0o755); err != nil {
		return fmt.Errorf("make the folder of a card: %w", err)
	}
	for _, f := range files {
		if err := writeSynced(filepath.Join(temp, f.name), f.data); err != nil {
			return err
		}
	}
	if err := errors.Join(os.Chmod(temp, 0o755), syncFile(filepath.Join(temp, issuersDir)), syncFile(temp)); err != nil {
		return err
	}
	switch err := os.Rename(temp, place); {
	case errors.Is(err, fs.ErrExist):
		return sameFolder(place, files)
	case err != nil:
		return fmt.Errorf("move the folder of a card to its place: %w", err)
	}
	return syncFile(w.dir)
}

// writeSynced writes a new file and waits until its content is on the disk.
func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("write a file of a card: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write a file of a card: %w", err)
	}
	return nil
}

// sameFolder makes sure that a folder that is there holds what was to be written.
func sameFolder(place string, files []file) error {
	for _, f := range files {
		if have, err := os.ReadFile(filepath.Join(place, f.name)); err != nil || !bytes.Equal(have, f.data) {
			return usageError(fmt.Errorf("%s is there already and is not the folder of this card (%s differs); move it away, or choose another --out",
				place, f.name))
		}
	}
	return nil
}

// zipOf packs files, the same files always to the same octets. Certificates do not shrink, so that nothing is compressed.
func zipOf(folder string, files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, f := range files {
		entry, err := w.CreateHeader(&zip.FileHeader{Name: folder + "/" + filepath.ToSlash(f.name), Method: zip.Store, Modified: at.UTC()})
		if err == nil {
			_, err = io.Copy(entry, bytes.NewReader(f.data))
		}
		if err != nil {
			return nil, fmt.Errorf("pack a card: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack a card: %w", err)
	}
	return out.Bytes(), nil
}
