CertAuthority.Bench.HostileTexts.Print();
