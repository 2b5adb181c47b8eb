CertAuthority.Bench.HostileTexts.Print();
Console.WriteLine();
await CertAuthority.Bench.RequestPageTimes.Print();
