def inpaint_image(): pass
