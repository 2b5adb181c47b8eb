using CertAuthority.Access.Requests;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>The table of docs/access-requests.md is what the code does, cell by cell.</summary>
public class AccessRequestsDocumentTests
{
    private static readonly Dictionary<string, RequestActor> Columns = new()
    {
        ["administrator"] = RequestActor.Administrator,
        ["requester"] = RequestActor.Requester,
        ["reviewers"] = RequestActor.Reviewer,
        ["anybody else"] = RequestActor.Stranger,
    };

    [Fact]
    public void Every_cell_of_the_state_table_matches_the_rules()
    {
        var rows = Document.Read("docs/access-requests.md").Rows.SkipWhile(row => row is not ["state", "action", ..]).TakeWhile(row => row.Length == 6).ToList();
        var actors = rows[0][2..].Select(header => Columns[header]).ToList();
        Assert.Equal(Enum.GetValues<RequestActor>().Order(), actors.Order());
        var written = rows[1..].SelectMany(row => actors.Zip(row[2..], (actor, cell) => $"{row[0]} {row[1]} {actor}: {cell}"));
        var decided =
            from state in Enum.GetValues<RequestState>()
            from action in Enum.GetValues<RequestAction>()
            from actor in Enum.GetValues<RequestActor>()
            select $"{RequestTransitions.Word(state)} {action.ToString().ToLowerInvariant()} {actor}: {Cell(state, action, actor)}";
        Assert.Equal(decided.Order(StringComparer.Ordinal), written.Order(StringComparer.Ordinal));
    }

    private static string Cell(RequestState state, RequestAction action, RequestActor actor) =>
        RequestTransitions.Table.SingleOrDefault(step => step.From == state && step.Action == action && step.By == actor) switch
        {
            null => "-",
            { Revokes: true } step => $"{RequestTransitions.Word(step.To)}, revokes",
            var step => RequestTransitions.Word(step.To),
        };
}
