package templates

import "errors"

// Why some of sprig's functions are refused. They are known, so that a template
// written for Istio parses and works as long as it does not call them.
const (
	noClock  = "a template has no clock and no time zone: the same pod must always give the same result"
	noChance = "a template has no randomness: the same pod must always give the same result"
	noSecret = "a template makes no keys, certificates or passwords: mount a Secret instead"
	noLookup = "a template looks nothing up: pass the value in the configuration's values"
	noExpand = `a template does not see the process's environment: use env "NAME" "default"`
)

func refusedFunctions() map[string]function {
	refused := map[string]function{}
	for reason, names := range map[string][]string{
		noClock: {
			"ago", "date", "date_in_zone", "date_modify", "dateInZone", "dateModify", "durationRound",
			"htmlDate", "htmlDateInZone", "must_date_modify", "mustDateModify", "mustToDate", "now", "toDate", "unixEpoch",
		},
		noChance: {"randAlpha", "randAlphaNum", "randAscii", "randBytes", "randInt", "randNumeric", "shuffle", "uuidv4"},
		noSecret: {
			"bcrypt", "buildCustomCert", "decryptAES", "derivePassword", "encryptAES", "genCA", "genCAWithKey", "genPrivateKey",
			"genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert", "genSignedCertWithKey", "htpasswd",
		},
		noLookup: {"getHostByName"},
		noExpand: {"expandenv"},
	} {
		for _, name := range names {
			refused[name] = free(func(...any) (string, error) { return "", errors.New(reason) })
		}
	}
	return refused
}
