package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/calwatch/calwatch/outlookstream/auth/msalauth"
)

const maxCertificate = 1 << 20

func (a *authFlags) secret(s *session) (msalauth.Credential, error) {
	file, err := newSecretFile("client secret file", a.clientSecretFile, maxToken, s.environ, s.log)
	if err != nil {
		return msalauth.Credential{}, fmt.Errorf("--client-secret-file: %w", err)
	}
	return msalauth.SecretFrom(func(context.Context) (string, error) { return file.line() }), nil
}

func (a *authFlags) certificate(s *session) (msalauth.Credential, error) {
	file, err := newSecretFile("certificate file", a.certificateFile, maxCertificate, s.environ, s.log)
	if err != nil {
		return msalauth.Credential{}, fmt.Errorf("--certificate-file: %w", err)
	}
	advice := "name a file with it by --certificate-password-file"
	password := func() (string, error) { return "", nil }
	if a.certificatePassword != "" {
		file, err := newSecretFile("certificate password file", a.certificatePassword, maxToken, s.environ, s.log)
		if err != nil {
			return msalauth.Credential{}, fmt.Errorf("--certificate-password-file: %w", err)
		}
		password = file.line
		advice = "--certificate-password-file is " + a.certificatePassword
	}
	return msalauth.CertificateFrom(func(context.Context) ([]byte, string, error) {
		content, err := file.read()
		if err != nil {
			return nil, "", err
		}
		word, err := password()
		if err != nil {
			return nil, "", err
		}
		if _, _, err := msalauth.ParseCertificate(content, word); err != nil {
			err = fmt.Errorf("--certificate-file %s: %w", a.certificateFile, err)
			if strings.Contains(err.Error(), "password") {
				err = fmt.Errorf("%w: %s", err, advice)
			}
			return nil, "", err
		}
		return content, word, nil
	}), nil
}
