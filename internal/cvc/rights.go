package cvc

// Right is one bit of a flag list, 2 to 55, and what it allows.
type Right struct {
	Bit     int
	Meaning string
}

// reserved is the meaning of a bit that has none. In certificates of cards and sub-CAs it is 0; roots have every bit.
const reserved = "reserved (RFU)"

// unknown is the meaning of any bit in a hierarchy that is not known.
const unknown = "unknown"

// Rights gives the meaning of every bit of the list that is set, bits 2 to 55 in rising order: Tab_PKI_910-01 for FlagsTI,
// Tab_PKI_911 for FlagsCMS. German abbreviations are those of the specification. "Erase" empties a file and is not the card's
// command DELETE.
func Rights(oid FlagOID, f Flags) []Right {
	table, known := rightsOf[oid]
	var rights []Right
	for _, bit := range f.Bits() {
		if bit < 2 {
			continue
		}
		meaning, ok := table[bit]
		if !known {
			meaning = unknown
		} else if !ok {
			meaning = reserved
		}
		rights = append(rights, Right{bit, meaning})
	}
	return rights
}

var rightsOf = map[FlagOID]map[int]string{FlagsTI: rightsTI, FlagsCMS: rightsCMS}

// rightsTI is Tab_PKI_910-01. Bits 35 and 36 were "read test flag" until 2017 and are reserved since; bit 33 was "read log".
var rightsTI = map[int]string{
	8:  "eGK: use ESIGN-AUTN with PIN.CH",
	9:  "eGK: use ESIGN-AUTN without PIN",
	10: "eGK: use ESIGN-ENCV with PIN.CH",
	11: "eGK: use ESIGN-ENCV without PIN",
	12: "eGK: use ESIGN-AUT",
	13: "eGK: use ESIGN-ENC",
	14: "eGK: hide and show emergency data (NFD)",
	15: "eGK: write and erase emergency data (NFD) with MRPIN.NFD",
	17: "eGK: read emergency data (NFD) with MRPIN.NFD_READ",
	18: "eGK: read emergency data (NFD) without PIN",
	19: "eGK: hide and show personal declarations (DPE)",
	20: "eGK: write and erase personal declarations (DPE) with MRPIN.DPE",
	22: "eGK: read personal declarations (DPE) with MRPIN.DPE_READ",
	23: "eGK: read personal declarations (DPE) without PIN",
	24: "eGK: hide and show consents and references in DF.HCA",
	25: "eGK: read and erase consents in DF.HCA",
	27: "eGK: write consents in DF.HCA",
	28: "eGK: read and write references in DF.HCA",
	29: "eGK: read protected insured data (GVD) with PIN.CH",
	30: "eGK: read protected insured data (GVD) without PIN",
	31: "eGK: write the log with PIN.CH",
	32: "eGK: write the log without PIN",
	33: "eGK: access in environments of the insured (AdV)",
	34: "eGK: read and write the proof of the online check",
	39: "eGK: hide and show health data services (GDD)",
	40: "eGK: read, write and erase health data services (GDD)",
	41: "eGK: read the organ donation statement (OSE) with MRPIN.OSE",
	42: "eGK: read the organ donation statement (OSE) without PIN",
	43: "eGK: write and erase the organ donation statement (OSE) with MRPIN.OSE",
	44: "eGK: activate and deactivate the organ donation statement (OSE) with MRPIN.OSE",
	45: "eGK: hide and show medication data (AMTS)",
	46: "eGK: read medication data (AMTS)",
	47: "eGK: write and erase medication data (AMTS)",
	49: "read the fingerprint of the card operating system (COS)",
	51: "trigger a comfort signature",
	52: "secure signature creation unit (SSEE)",
	53: "remote PIN receiver",
	54: "remote PIN sender",
	55: "signature application component (SAK) for batch or comfort signatures",
}

// rightsCMS is Tab_PKI_911.
var rightsCMS = map[int]string{
	8:  "administration by the card management system (CMS)",
	9:  "administration of insured data (VSD)",
	10: "write CV certificates",
	11: "administration by a trust service provider (TSP), to extend the life of the QES application",
}
