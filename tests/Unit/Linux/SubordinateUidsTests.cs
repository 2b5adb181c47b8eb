using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public class SubordinateUidsTests
{
    private readonly SubordinateUids uids = SubordinateUids.Parse(["alice:165536:65536", "", "# no", "mallory:100000:65536", "1000:231072:1", "x:1", "y:-1:5", "z:5:0", "end:4294967295:65536"]);

    [Theory]
    [InlineData(100_000u, 165_535u, true)]
    [InlineData(165_536u, 231_071u, true)]
    [InlineData(165_535u, 165_536u, false)]
    [InlineData(99_999u, 100_000u, false)]
    [InlineData(231_072u, 231_073u, false)]
    [InlineData(5u, 6u, false)]
    [InlineData(0u, 1u, false)]
    public void Uids_of_one_range_are_one_account(uint one, uint other, bool areOne) => Assert.Equal(areOne, uids.AccountOf(one) == uids.AccountOf(other));

    [Fact]
    public void First_uid_of_a_range_is_not_the_account_of_that_uid() => Assert.NotEqual(100_000UL, uids.AccountOf(100_000));

    [Fact]
    public void Machine_without_the_file_has_no_ranges() => Assert.Equal(5001UL, SubordinateUids.Parse([]).AccountOf(5001));
}
