if (args is ["model", ..])
    return await CertAuthority.Bench.ModelSteps.Take(args[1..]);
if (args is ["issuance", ..])
    return CertAuthority.Bench.IssuanceTimes.Print(args[1..]);
if (args is ["delayed-socket", ..])
    return CertAuthority.Bench.DelayedSocket.Serve(args[1..]);
if (args is ["smallest-request", ..])
    return CertAuthority.Bench.SmallestRequestTimes.Print(args[1..]);
if (args is ["bare-kestrel", ..])
    return await CertAuthority.Bench.SmallestRequestTimes.Serve(args[1..]);
if (args is ["waiters", ..])
    return await CertAuthority.Bench.WaiterTimes.Print(args[1..]);
if (args is ["policy-changes", ..])
    return await CertAuthority.Bench.PolicyChangeTimes.Print(args[1..]);
if (args is ["growth", ..])
    return await CertAuthority.Bench.GrowthTimes.Print(args[1..]);
if (args is ["large-fleet", ..])
    return await CertAuthority.Bench.LargeFleetTimes.Print(args[1..]);
if (args is ["races", ..])
    return await CertAuthority.Bench.RaceRounds.Run(args[1..]);
if (args is ["reports", ..])
    return await CertAuthority.Bench.ReportTimes.Print(args[1..]);
if (args is ["ed25519"])
{
    CertAuthority.Bench.Ed25519Times.Print();
    return 0;
}
CertAuthority.Bench.HostileTexts.Print();
Console.WriteLine();
await CertAuthority.Bench.RequestPageTimes.Print();
return 0;
