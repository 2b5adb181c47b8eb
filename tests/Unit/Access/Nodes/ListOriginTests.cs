using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

public class ListOriginTests
{
    private const string Here = "0123456789abcdef";
    private const string Run = "00000003";

    private static readonly ListOrigin Ours = new(Here, Run, [new PastRun("00000001", 100), new PastRun("00000002", 200)]);

    [Theory]
    [InlineData("the same run", Here, Run, 299, null)]
    [InlineData("the same list", Here, Run, 300, null)]
    [InlineData("a later list of the same run", Here, Run, 301, ListConflict.Newer)]
    [InlineData("the last list of the run before", Here, "00000002", 200, null)]
    [InlineData("an old list, as after the host's own restore", Here, "00000001", 3, null)]
    [InlineData("a list that the run before has not written", Here, "00000002", 201, ListConflict.OtherCopy)]
    [InlineData("a run that is not known", Here, "0000000f", 1, ListConflict.OtherCopy)]
    [InlineData("another installation", "fedcba9876543210", Run, 1, ListConflict.OtherInstallation)]
    public void Daemon_replaces_a_list_whose_revocations_it_knows(string present, string installation, string run, ulong version, ListConflict? conflict) =>
        Assert.True(conflict == Ours.Replaces(300, new ListOrigin(installation, run, []), version), present);

    [Theory]
    [InlineData(300, null)]
    [InlineData(301, ListConflict.Newer)]
    public void List_without_an_origin_is_judged_by_its_version(ulong version, ListConflict? conflict) => Assert.Equal(conflict, Ours.Replaces(300, null, version));

    [Theory]
    [InlineData("0000000f", 500, null)]
    [InlineData("00000002", 500, null)]
    [InlineData("0000000f", 501, ListConflict.OtherCopy)]
    public void Restored_daemon_replaces_lists_it_has_revoked(string run, ulong version, ListConflict? conflict) =>
        Assert.Equal(conflict, new ListOrigin(Here, Run, [new PastRun(ListOrigin.AnyRun, 500)]).Replaces(600, new ListOrigin(Here, run, []), version));

    [Fact]
    public void Two_copies_of_a_database_never_replace_each_others_list()
    {
        // Both were copied after list 200, and have written one since; their versions follow the clock.
        var (one, other) = (Ours, Ours with { Run = "0000000f" });
        Assert.Equal(ListConflict.OtherCopy, one.Replaces(400, other, 300));
        Assert.Equal(ListConflict.OtherCopy, other.Replaces(500, one, 400));
    }

    [Theory]
    [InlineData("certauthority 0123456789abcdef 00000003")]
    [InlineData("certauthority 0123456789abcdef 00000003 00000001:100 00000002:200")]
    [InlineData("certauthority 0123456789abcdef 00000003 *:1795348274000000 00000002:1795348274000001")]
    public void Written_origin_reads_back(string comment) => Assert.Equal(comment, ListOrigin.Parse(comment)!.ToString());

    [Theory]
    [InlineData("")]
    [InlineData("the evening's list")]
    [InlineData("certauthority 0123456789abcdef")]
    [InlineData("certauthority 0123456789abcdef 00000003 ")]
    [InlineData("certauthority 0123456789abcdef 00000003\n")]
    [InlineData("certauthority 0123456789abcdef 00000003 00000001")]
    [InlineData("certauthority 0123456789ABCDEF 00000003")]
    [InlineData("certauthority 0123456789abcdef 00000003 00000001:99999999999999999999")]
    public void Other_comments_name_no_origin(string comment) => Assert.Null(ListOrigin.Parse(comment));
}
