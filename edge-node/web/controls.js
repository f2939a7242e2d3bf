// The bar of buttons, device menus, connection quality.
