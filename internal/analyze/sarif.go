package analyze

import (
	"net/url"
	"path/filepath"
	"slices"
)

// SARIF is findings in the Static Analysis Results Interchange Format, version 2.1.0,
// ready for JSON: every analyzer is a rule, a finding in a file has its line, and one
// about an object of a cluster a logical location. Version is Outrigger's.
func SARIF(findings []Finding, version string) any {
	log := sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{{}}}
	run := &log.Runs[0]
	run.Tool.Driver = sarifDriver{Name: "outrigger analyze", Version: version}
	for _, a := range analyzers {
		rule := sarifRule{ID: a.Code, Name: a.Name, Short: sarifText{a.About}}
		rule.Default.Level = sarifLevel(a.Severity)
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
	}
	run.Results = []sarifResult{}
	for _, f := range findings {
		result := sarifResult{
			RuleID: f.Code, Level: sarifLevel(f.Severity), Message: sarifText{f.Message}, Locations: []sarifLocation{locationOf(f.Object)},
			RuleIndex: slices.IndexFunc(analyzers, func(a Analyzer) bool { return a.Code == f.Code }),
		}
		if f.Fix != "" {
			result.Message.Text += "\nfix: " + f.Fix
		}
		run.Results = append(run.Results, result)
	}
	return log
}

// sarifLevel is a severity in SARIF's words.
func sarifLevel(s Severity) string {
	if s == Info {
		return "note"
	}
	return string(s)
}

// locationOf is where an object is written, and which one it is.
func locationOf(of Subject) sarifLocation {
	location := sarifLocation{Logical: []sarifLogical{{Name: of.Name, FullName: of.Identity(), Kind: "resource"}}}
	if of.File != "" {
		location.Physical = &sarifPhysical{}
		location.Physical.Artifact.URI = uriOf(of.File)
		location.Physical.Region.StartLine = of.Line
	}
	return location
}

// uriOf is a file's name as a URI: relative where the name is.
func uriOf(file string) string {
	u := url.URL{Path: filepath.ToSlash(file)}
	if filepath.IsAbs(file) {
		u.Scheme = "file"
	}
	return u.String()
}

type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string    `json:"id"`
		Name    string    `json:"name"`
		Short   sarifText `json:"shortDescription"`
		Default struct {
			Level string `json:"level"`
		} `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int `json:"startLine"`
		} `json:"region"`
	}
	sarifLogical struct {
		Name     string `json:"name"`
		FullName string `json:"fullyQualifiedName"`
		Kind     string `json:"kind"`
	}
)
