package lint

import "github.com/siegel-pki/siegel/internal/sigalg"

// purpose is what an X.509 certificate of an institution is for.
type purpose string

const (
	aut  purpose = "AUT"
	enc  purpose = "ENC"
	osig purpose = "OSIG"
)

// x509Slot is what the specifications fix for an X.509 certificate by its place on the card.
type x509Slot struct {
	purpose  purpose
	key      sigalg.KeyType
	fileSize int // octets of the card file
}

// x509Slots: the files of DF.ESIGN (gemSpec_SMC-B_ObjSys_G2.1, Card-G2-A_2204-01, 2207-01, 2210-02, 3652-01, 3654-01, 3656-01).
var x509Slots = map[string]x509Slot{
	"C.HCI.AUT.R2048":  {aut, sigalg.R2048, 1900},
	"C.HCI.ENC.R2048":  {enc, sigalg.R2048, 1900},
	"C.HCI.OSIG.R2048": {osig, sigalg.R2048, 1900},
	"C.HCI.AUT.E256":   {aut, sigalg.E256, 3000},
	"C.HCI.ENC.E256":   {enc, sigalg.E256, 3000},
	"C.HCI.OSIG.E256":  {osig, sigalg.E256, 3000},
}

// cvcSlot is what the specifications fix for a CV certificate by its place on the card.
type cvcSlot struct {
	keyID    string // first two octets of the CHR, in hex
	device   bool   // the device certificate, not the role certificate
	fileSize int
}

// cvcSlots: the files of the MF (gemSpec_SMC-B_ObjSys_G2.1, Card-G2-A_2163-01 with 3389, 2169-01 with 3390).
var cvcSlots = map[string]cvcSlot{
	"C.SMC.AUTR_CVC.E256":     {"0006", false, 222},
	"C.SMC.AUTD_RPE_CVC.E256": {"0009", true, 222},
}

// FileSize is the size in octets of the card file that holds the certificate of a slot, and false for a slot that is not built.
func FileSize(slot string) (int, bool) {
	if s, ok := x509Slots[slot]; ok {
		return s.fileSize, true
	}
	s, ok := cvcSlots[slot]
	return s.fileSize, ok
}
