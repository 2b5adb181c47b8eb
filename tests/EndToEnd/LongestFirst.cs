using Xunit.Abstractions;

[assembly: TestCollectionOrderer("CertAuthority.Tests.EndToEnd.LongestFirst", "CertAuthority.Tests.EndToEnd")]

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Has the classes that take minutes begin before all others: one that began last would run on alone, while the other processors idle.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] longest =
    [
        nameof(RotationDrillTests), nameof(FaultRigTests), nameof(EnrollTests), nameof(PackageTests), nameof(PushTests), nameof(PlainSshTests), nameof(MailTests), nameof(PenaltyTests), nameof(EndingTests), nameof(HostTests), nameof(SessionTests), nameof(WaitingTests),
    ];

    /// <inheritdoc/>
    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> testCollections) =>
        testCollections.OrderBy(one => Array.FindIndex(longest, name => one.DisplayName.EndsWith($".{name}", StringComparison.Ordinal)) is >= 0 and var place ? place : longest.Length);
}
