if (args is ["model", ..])
    return await CertAuthority.Bench.ModelSteps.Take(args[1..]);
CertAuthority.Bench.HostileTexts.Print();
Console.WriteLine();
await CertAuthority.Bench.RequestPageTimes.Print();
return 0;
