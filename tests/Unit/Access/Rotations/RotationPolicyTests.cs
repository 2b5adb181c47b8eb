using CertAuthority.Access.Rotations;

namespace CertAuthority.Tests.Unit.Access;

public class RotationPolicyTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);
    private static readonly Rotation Prepared = new(RotationStep.Prepared, Noon, OldId: 1, NextId: 2);
    private static readonly Rotation Switched = Prepared with { Step = RotationStep.Switched };
    private static readonly Rotation Retiring = Prepared with { Step = RotationStep.Retiring };
    private static readonly RotationFacts Nothing = new([], null);

    [Fact]
    public void Next_key_signs_once_every_host_has_confirmed()
    {
        Assert.Null(RotationPolicy.Switch(Prepared, Nothing, []));
        Assert.Equal("1 host has not confirmed: db1", RotationPolicy.Switch(Prepared, Without("db1"), [])?.Message);
        Assert.Equal("2 hosts have not confirmed: db1, db2", RotationPolicy.Switch(Prepared, Without("db1", "db2"), [])?.Message);
    }

    [Fact]
    public void Only_the_named_hosts_are_left_behind()
    {
        Assert.Equal("1 host has not confirmed: db2", RotationPolicy.Switch(Prepared, Without("db1", "db2"), ["db1"])?.Message);
        Assert.Null(RotationPolicy.Switch(Prepared with { Abandoned = ["db1"] }, Without("db1", "db2"), ["db2"]));
        Assert.Null(RotationPolicy.Retire(Switched with { Abandoned = ["db1"] }, Without("db1"), []));
    }

    [Fact]
    public void Old_key_stays_while_its_certificates_are_in_use()
    {
        Assert.Null(RotationPolicy.Retire(Switched, Nothing, []));
        Assert.Equal(
            "certificates of the old key are in use, until 2026-11-30T12:00:00Z", RotationPolicy.Retire(Switched, new RotationFacts([], Noon), [])?.Message);
        // No naming of hosts ends a certificate.
        Assert.NotNull(RotationPolicy.Retire(Switched, new RotationFacts(["db1"], Noon), ["db1"]));
        Assert.Equal(
            "clients of certificates that were issued before may not know the next key, until 2026-11-30T12:00:00Z",
            RotationPolicy.Switch(Prepared, new RotationFacts([], Noon), [])?.Message);
    }

    [Fact]
    public void No_step_is_left_out_or_taken_twice()
    {
        Assert.Equal("the next key signs already", RotationPolicy.Switch(Switched, Nothing, [])?.Message);
        Assert.Equal("the next key signs already", RotationPolicy.Switch(Retiring, Nothing, [])?.Message);
        Assert.Equal("the next key does not sign yet", RotationPolicy.Retire(Prepared, Nothing, [])?.Message);
        Assert.Equal("the old key is being retired already", RotationPolicy.Retire(Retiring, Nothing, [])?.Message);
        Assert.Null(RotationPolicy.Back(Prepared));
        Assert.Null(RotationPolicy.Back(Switched));
        Assert.NotNull(RotationPolicy.Back(Retiring));
    }

    private static RotationFacts Without(params string[] hosts) => new([.. hosts], null);
}
