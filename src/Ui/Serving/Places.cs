namespace CertAuthority.Ui.Serving;

/// <summary>Where a form may lead: only to pages of ours, whatever a field says.</summary>
internal static class Places
{
    /// <summary>Returns the page that a form came from.</summary>
    /// <param name="back">What the form says.</param>
    /// <param name="id">The request that it is about.</param>
    public static string Back(string? back, string? id) => back switch
    {
        "request" when id is not null => $"/request?id={Uri.EscapeDataString(id)}",
        "mine" => "/mine",
        "ask" => "/ask",
        "locks" => "/locks",
        _ => "/",
    };
}
