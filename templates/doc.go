// Package templates parses and executes injection templates.
package templates
