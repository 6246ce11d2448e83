package lint

import (
	"strings"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// x509Slots gives the kinds of X.509 certificates that lie on cards, and the size of their card files in octets by key type:
// DF.ESIGN of an SMC-B (gemSpec_SMC-B_ObjSys_G2.1, Card-G2-A_2204-01, 2207-01, 2210-02, 3652-01, 3654-01, 3656-01). The files of
// the other cards are taken to be as large.
var x509Slots = map[Kind]map[sigalg.KeyType]int{
	HCIAUT:   bothFiles,
	HCIENC:   bothFiles,
	HCIOSIG:  bothFiles,
	HCIQES:   {sigalg.R2048: 1900}, // generation 2.0 only
	HCIQSEAL: {sigalg.R2048: 1900},
	NKVPN:    bothFiles,
	AKAUT:    bothFiles,
	SAKAUT:   bothFiles,
	SMKTAUT:  bothFiles,
}

var bothFiles = map[sigalg.KeyType]int{sigalg.R2048: 1900, sigalg.E256: 3000}

// x509Slot splits the name of a slot, for example "C.HCI.AUT.E256", into the kind of its certificate and the type of its key, and
// gives the size of its card file; false for a slot that does not exist.
func x509Slot(name string) (kind Kind, key sigalg.KeyType, fileSize int, ok bool) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return "", 0, 0, false
	}
	kind = Kind(name[:dot])
	key, err := sigalg.ParseKeyType(name[dot+1:])
	fileSize, ok = x509Slots[kind][key]
	return kind, key, fileSize, ok && err == nil
}

// cvcSlot is what the specifications fix for a CV certificate by its place on the card.
type cvcSlot struct {
	keyID    string  // first two octets of the CHR, in hex
	device   bool    // a device certificate, whose flag list is fixed; else the role certificate of an institution
	flags    [7]byte // of a device certificate
	fileSize int
}

// cvcSlots: the files of an SMC-B's MF (gemSpec_SMC-B_ObjSys_G2.1, Card-G2-A_2163-01 with 3389, 2169-01 with 3390); gSMC-K and gSMC-KT
// (Card-G2-A_3328, 2638, 2500), whose files are as large. The flag lists are those of gemSpec_PKI, Tab_PKI_918-02: CHAT.55 receives a
// remote PIN, CHAT.54 sends it, CHAT.51 is a Konnektor, and the administration of a gSMC-K has no right at all.
var cvcSlots = map[string]cvcSlot{
	"C.SMC.AUTR_CVC.E256":     {keyID: "0006", fileSize: 222},
	"C.SMC.AUTD_RPE_CVC.E256": {keyID: "0009", device: true, flags: [7]byte{6: 0x04}, fileSize: 222},
	"C.SMC.AUTD_RPS_CVC.E256": {keyID: "000a", device: true, flags: [7]byte{6: 0x02}, fileSize: 222},
	"C.SAK.AUTD_CVC.E256":     {keyID: "000a", device: true, flags: [7]byte{6: 0x01}, fileSize: 222},
	"C.SMC.AUT_CVC.E256":      {keyID: "0005", device: true, fileSize: 222},
}

// FileSize is the size in octets of the card file that holds the certificate of a slot, and false for a slot that is not built.
func FileSize(slot string) (int, bool) {
	if _, _, size, ok := x509Slot(slot); ok {
		return size, true
	}
	if s, ok := cvcSlots[slot]; ok {
		return s.fileSize, true
	}
	s, ok := g1Slots[slot]
	return s.fileSize, ok
}
