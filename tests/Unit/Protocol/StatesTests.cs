using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Protocol;
using CertAuthority.Store;
using CertAuthority.Tests.Unit.Docs;

namespace CertAuthority.Tests.Unit.Protocol;

/// <summary>States travel as words. Protocol has them as constants, and what the rules and the store call them is the same.</summary>
public class StatesTests
{
    [Fact]
    public void States_of_requests_are_those_of_the_rules() =>
        Assert.Equal(Enum.GetValues<RequestState>().Select(RequestTransitions.Word).Order(StringComparer.Ordinal), RequestStates.All.Order(StringComparer.Ordinal));

    [Fact]
    public void Clocks_of_requests_are_those_of_the_store() =>
        Assert.Equal((RequestClocks.Creation, RequestClocks.Approval), (RequestTable.Word(RequestClock.Creation), RequestTable.Word(RequestClock.Approval)));

    /// <summary>A word that is written out again can be misspelt, and then never fits.</summary>
    [Theory]
    [InlineData("src/Tsh")]
    [InlineData("src/Tctl")]
    [InlineData("src/Terminal")]
    [InlineData("src/CertAuthority/Operations")]
    public void Nobody_writes_a_state_out_again(string folder)
    {
        // "EXPIRED" is also what the command lines call a certificate.
        var states = RequestStates.All.Except([RequestStates.Expired]).ToHashSet();
        Assert.DoesNotContain(
            Directory.EnumerateFiles(Path.Combine(Document.Root, folder), "*.cs", SearchOption.AllDirectories).SelectMany(file => Literals.Of(File.ReadAllText(file)).Select(text => $"{Path.GetFileName(file)}: {text}")),
            literal => states.Contains(literal.Split(": ", 2)[1]));
    }
}
