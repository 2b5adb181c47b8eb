using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>Every page, who has it, and its tab.</summary>
internal static class PageTable
{
    private sealed record Row(string Method, string Path, Func<Visit, Task<Answer>> Page, string? Tab = null, Type? Desk = null);

    private static readonly Row[] Rows =
    [
        new("GET", "/", Waiting.Show, "Waiting for you"),
        new("GET", "/mine", Mine.Show, "Mine", typeof(UserDesk)),
        new("GET", "/ask", Asking.Show, "Ask", typeof(UserDesk)),
        new("GET", "/history", History.Show, "History"),
        new("GET", "/hosts", Hosts.Show, "Hosts", typeof(AdministratorDesk)),
        new("GET", "/who", Entering.Show, "Who can enter?", typeof(AdministratorDesk)),
        new("GET", "/locks", Locks.Show, "Locks", typeof(AdministratorDesk)),
        new("GET", "/request", OneRequest.Show),
        new("GET", "/history.csv", History.Csv),
        new("GET", "/live", Live.Wait),
        new("POST", "/approve", Decisions.Approve),
        new("POST", "/deny", Decisions.Deny),
        new("POST", "/use", Mine.Use, Desk: typeof(UserDesk)),
        new("POST", "/cancel", Mine.Cancel, Desk: typeof(UserDesk)),
        new("POST", "/drop", Mine.Drop, Desk: typeof(UserDesk)),
        new("POST", "/ask", Asking.File, Desk: typeof(UserDesk)),
        new("POST", "/lock", Locks.Lock, Desk: typeof(AdministratorDesk)),
        new("POST", "/lift", Locks.Lift, Desk: typeof(AdministratorDesk)),
    ];

    /// <summary>Returns a page; null if this desk has none with this path.</summary>
    public static Func<Visit, Task<Answer>>? Find(Desk desk, string method, string path) =>
        Array.Find(Rows, row => row.Method == method && row.Path == path && Has(desk, row))?.Page;

    /// <summary>The tabs of a desk.</summary>
    public static IReadOnlyList<Tab> Tabs(Desk desk) =>
        [.. Rows.Where(row => row.Tab is not null && Has(desk, row)).Select(row => new Tab(row.Path, row.Tab!))];

    private static bool Has(Desk desk, Row row) => row.Desk is null || row.Desk == desk.GetType();
}
