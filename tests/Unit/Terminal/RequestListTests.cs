using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Terminal;

public class RequestListTests
{
    [Theory]
    [InlineData("tsh request ls --requester=alice", false)]
    [InlineData("tsh request ls --my-requests --requester=alice", false)]
    [InlineData("tsh request ls --reviewable --requester=alice", true)]
    [InlineData("tsh request ls --reviewed --requester=alice", true)]
    [InlineData("tsh request ls --suggested --requester=alice", true)]
    public void Requester_goes_with_the_requests_of_others(string line, bool isUnderstood) =>
        Assert.Equal(
            isUnderstood ? [] : ["--requester goes with --reviewable, --reviewed or --suggested: your own requests are yours"],
            CommandLine.Parse(line.Split(' ')).Errors.Select(error => error.Message));
}
